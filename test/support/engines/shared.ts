import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsMissing, NatsServer } from './nats.js';
import { PostgresEngine, postgresMissing } from './postgres.js';
import { RedisEngine, redisMissing } from './redis.js';

/** An engine that several nodes share, started for a suite. */
export interface SharedEngine {
  /** The port of its process; undefined for an embedded engine. */
  readonly port: number | undefined;
  /** The value of STORE for a node that connects to a port; the port may be a proxy's. */
  store(port?: number): string;
  /** SIGKILL and start again; undefined for an embedded engine. */
  readonly crash?: () => Promise<void>;
  readonly hang?: () => void;
  readonly goOn?: () => void;
  stop(): Promise<void>;
}

/** How to start an engine of one kind. */
export interface EngineKind {
  readonly name: string;
  /** The reason why it cannot run here; undefined if it can. */
  missing(): string | undefined;
  start(): Promise<SharedEngine>;
}

/** The options of `openStore`. Tests do not reach this retention. */
export const RETENTION = { retainCount: 1_000_000, retainMs: 86_400_000, retainBytes: 2 ** 30 };

interface Process {
  readonly port: number;
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

function shared(engine: Process, store: (port: number) => string): SharedEngine {
  return {
    port: engine.port,
    store: (port = engine.port) => store(port),
    crash: () => engine.restart(),
    hang: () => engine.freeze(),
    goOn: () => engine.thaw(),
    stop: () => engine.stop(),
  };
}

export const ENGINES = {
  sqlite: {
    name: 'one SQLite file',
    missing: () => undefined,
    start: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-cluster-'));
      return {
        port: undefined,
        store: () => `sqlite:${join(folder, 'log.db')}`,
        stop: async () => {
          rmSync(folder, { recursive: true });
        },
      };
    },
  },
  redis: {
    name: 'Redis',
    missing: redisMissing,
    // Other settings lose acknowledged entries when the engine is killed: see redis-loss.test.ts.
    start: async () => shared(await RedisEngine.start({ appendonly: 'always' }), (port) => `redis://127.0.0.1:${port}`),
  },
  postgres: {
    name: 'PostgreSQL',
    missing: postgresMissing,
    start: async () => shared(await PostgresEngine.start(), (port) => `postgres://postgres@127.0.0.1:${port}/postgres`),
  },
  nats: {
    name: 'NATS JetStream',
    missing: natsMissing,
    // A kill of the process does not lose written data, so a restart needs no gap.
    start: async () => shared(await NatsServer.start(), (port) => `nats://127.0.0.1:${port}?syncAlways`),
  },
} as const satisfies Record<string, EngineKind>;
