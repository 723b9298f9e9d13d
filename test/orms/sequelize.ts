import { DataTypes, QueryTypes, Sequelize } from 'sequelize';
import type { OpenOutbox } from './outbox.js';

export const open: OpenOutbox = async (url) => {
  const sequelize = new Sequelize(url, { logging: false });
  const fields = { id: { type: DataTypes.INTEGER, primaryKey: true }, shipped: DataTypes.BOOLEAN };
  const Order = sequelize.define('Order', fields, { tableName: 'orders', timestamps: false });
  return {
    ship: (id, publication, fail) =>
      sequelize.transaction(async (transaction) => {
        await Order.update({ shipped: true }, { where: { id }, transaction });
        await sequelize.query('SELECT notifications.publish($1)', {
          bind: [publication.text],
          type: QueryTypes.SELECT,
          transaction,
        });
        if (fail) throw fail;
      }),
    close: () => sequelize.close(),
  };
};
