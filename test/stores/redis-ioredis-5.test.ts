import { expect, jest, test } from '@jest/globals';
import { inDepth } from '../support/depth.js';

// Applications with BullMQ or TypeORM may still use ioredis 5. The same suites run on it.
jest.unstable_mockModule('ioredis', () => import('ioredis-5'));
const { Redis } = await import('ioredis');
await import('./redis.test.js');
if (inDepth(false, true)) await import('./redis-engine.test.js');

test('these suites run on ioredis 5', () => {
  // Only version 6 has the option.
  const client = new Redis({ lazyConnect: true });
  expect(client.options).not.toHaveProperty('replyMapping');
  client.disconnect();
});
