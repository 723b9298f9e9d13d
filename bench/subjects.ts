import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { StoreFactory } from '../src/core/store.js';
import { memoryStore } from '../src/index.js';
import { natsStore } from '../src/stores/nats/index.js';
import { postgresStore } from '../src/stores/postgres/index.js';
import { redisStore } from '../src/stores/redis/index.js';
import { sqliteStore } from '../src/stores/sqlite/index.js';
import { NatsServer } from '../test/support/engines/nats.js';
import { PostgresEngine } from '../test/support/engines/postgres.js';
import { RedisEngine } from '../test/support/engines/redis.js';
import { otherVersionOf } from '../test/support/engines/versions.js';

/** A store to measure. Its engine has its data in a temporary folder. */
export interface Subject {
  readonly factory: StoreFactory;
  /** True if both nodes use the same store object, because the log is in one process. */
  readonly alone?: boolean;
  readonly kill?: () => Promise<void>;
  readonly startAgain?: () => Promise<void>;
  /**
   * The same engine without the store: one insert of a notification, on a connection and a table of
   * its own.
   */
  readonly openRaw?: () => Promise<RawInsert>;
  stop(): Promise<void>;
}

export interface RawInsert {
  insert(id: string, topic: string, json: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Retention that a benchmark does not reach. */
const KEEP = { retainCount: 2_000_000 };

const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
  memory: async () => ({ factory: memoryStore(KEEP), alone: true, stop: async () => undefined }),
  sqlite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-bench-'));
    const stop = async () => {
      rmSync(folder, { recursive: true });
    };
    return { factory: sqliteStore({ path: join(folder, 'log.db'), ...KEEP }), stop };
  },
  redis: async () => {
    const engine = await RedisEngine.start({ appendonly: 'always' });
    return engineSubject(engine, redisStore({ connection: engine.url, ...KEEP }));
  },
  postgres: async () => {
    const engine = await PostgresEngine.start({ fsync: 'on' });
    const subject = engineSubject(engine, postgresStore({ connectionString: engine.url, ...KEEP }));
    return { ...subject, openRaw: () => rawPostgres(engine.url) };
  },
  nats: () => natsSubject(),
  /** Reads pages in batches. */
  'nats-newest': () => natsSubject(otherVersionOf('nats-server', 'nats-newest').binary),
};

async function natsSubject(binary?: string): Promise<Subject> {
  const engine = await NatsServer.start({ ...(binary !== undefined && { binary }) });
  return engineSubject(engine, natsStore({ connection: { servers: engine.servers }, ...KEEP }));
}

async function rawPostgres(connectionString: string): Promise<RawInsert> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(`CREATE TABLE raw (position bigserial PRIMARY KEY, id text UNIQUE, topic text, json text)`);
  await client.query('CREATE INDEX ON raw (topic, position)');
  const text = 'INSERT INTO raw (id, topic, json) VALUES ($1, $2, $3)';
  return { insert: (...values) => client.query(text, values), close: () => client.end() };
}

function engineSubject(
  engine: { kill(): Promise<void>; startAgain(): Promise<void>; stop(): Promise<void> },
  factory: StoreFactory,
): Subject {
  return {
    factory,
    kill: () => engine.kill(),
    startAgain: () => engine.startAgain(),
    stop: () => engine.stop(),
  };
}

/** The stores on the engines that this machine has. */
export const STORES = Object.keys(SUBJECTS).filter((name) => name !== 'nats-newest');
/** The stores with an engine or a file. */
export const SHARED = STORES.filter((name) => name !== 'memory');

/** Starts the engine of a store. Throws for an unknown name. */
export function openSubject(name: string): Promise<Subject> {
  const open = SUBJECTS[name];
  if (!open) throw new RangeError(`there is no store ${name}: ${Object.keys(SUBJECTS).join(', ')}`);
  return open();
}
