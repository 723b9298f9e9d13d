import { publishInTransaction } from '../../src/stores/postgres/index.js';
import { DataSource, EntitySchema } from 'typeorm';
import type { OpenOutbox } from './outbox.js';

interface Order {
  id: number;
  shipped: boolean;
}
const Order = new EntitySchema<Order>({
  name: 'orders',
  columns: { id: { type: Number, primary: true }, shipped: { type: Boolean } },
});

export const open: OpenOutbox = async (url) => {
  const dataSource = await new DataSource({ type: 'postgres', url, entities: [Order] }).initialize();
  return {
    ship: (id, publication, fail) =>
      dataSource.transaction(async (manager) => {
        await manager.update(Order, { id }, { shipped: true });
        await publishInTransaction(manager, publication);
        if (fail) throw fail;
      }),
    close: () => dataSource.destroy(),
  };
};
