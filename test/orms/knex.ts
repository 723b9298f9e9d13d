import knexModule from 'knex';
import type { OpenOutbox } from './outbox.js';

export const open: OpenOutbox = async (url) => {
  const knex = knexModule.default({ client: 'pg', connection: url });
  return {
    ship: (id, publication, fail) =>
      knex.transaction(async (tx) => {
        await tx('orders').where({ id }).update({ shipped: true });
        await tx.raw('SELECT notifications.publish(?)', [publication.text]);
        if (fail) throw fail;
      }),
    close: () => knex.destroy(),
  };
};
