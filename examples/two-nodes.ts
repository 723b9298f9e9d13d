import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NotificationsModule, type StoreFactory } from 'nest-notifications';

/**
 * Two nodes that share nothing but the store. Clients of each node receive the notifications of
 * both.
 */
export async function twoNodes(store: StoreFactory): Promise<{ urls: [string, string]; close(): Promise<void> }> {
  const [one, other] = await Promise.all([startNode(store), startNode(store)]);
  return {
    urls: [await one.getUrl(), await other.getUrl()],
    close: async () => {
      await Promise.all([one.close(), other.close()]);
    },
  };
}

async function startNode(store: StoreFactory): Promise<INestApplication> {
  // An application has this among its module's imports.
  const notifications = NotificationsModule.forRoot({ store, access: { read: 'public', publish: 'public' } });
  const node = await NestFactory.create(notifications, { logger: ['error', 'warn'] });
  await node.listen(0, '127.0.0.1');
  return node;
}
