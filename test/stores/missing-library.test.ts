import { expect, jest, test } from '@jest/globals';
import { isBuiltin } from 'node:module';
import { systemClock } from '../../src/core/clock.js';
import type { StoreFactory } from '../../src/core/store.js';
import { natsStore } from '../../src/stores/nats/index.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';

// A native module can be replaced before it is loaded. A store loads its library when it opens.
const libraries = ['ioredis', 'pg', 'libsql', 'libsql/promise', '@nats-io/transport-node', '@nats-io/jetstream'];
// A runtime with its own SQLite would not need the library.
if (isBuiltin('node:sqlite')) libraries.push('node:sqlite');
for (const library of libraries) {
  jest.unstable_mockModule(library, () => {
    throw new Error(`Cannot find package '${library}'`);
  });
}

const STORES: [name: string, store: StoreFactory, install: string][] = [
  ['redisStore', redisStore({ connection: 'redis://localhost' }), 'npm install ioredis'],
  ['postgresStore', postgresStore({ connectionString: 'postgres://localhost' }), 'npm install pg'],
  ['sqliteStore', sqliteStore({ path: 'never-made.db' }), 'npm install libsql'],
  ['natsStore', natsStore(), 'npm install @nats-io/transport-node @nats-io/jetstream'],
];

test.each(STORES)('without its library, %s says what to install', async (name, store, install) => {
  const logger = { warn: () => undefined, error: () => undefined };
  const opening = (async () => store({ clock: systemClock, logger }))();
  await expect(opening).rejects.toThrow(install);
  await expect(opening).rejects.toThrow(name);
});
