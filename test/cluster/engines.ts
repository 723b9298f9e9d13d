import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsMissing, NatsServer } from '../support/engines/nats.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';

/** An engine that several nodes share, started for a suite. */
export interface SharedEngine {
  /** Where its process listens; undefined where there is none. */
  readonly port: number | undefined;
  /** What STORE is for a node that reaches it at a port, which need not be its own. */
  store(port?: number): string;
  /** SIGKILL and start again; undefined where there is no process of its own. */
  readonly crash?: () => Promise<void>;
  readonly hang?: () => void;
  readonly goOn?: () => void;
  stop(): Promise<void>;
}

/** How to have one. */
export interface EngineKind {
  readonly name: string;
  /** Why it cannot be had, if it cannot. */
  missing(): string | undefined;
  start(): Promise<SharedEngine>;
}

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
    // Anything less loses what was acknowledged when the engine is killed; that is what redis-loss.test.ts is about.
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
    start: async () => shared(await NatsServer.start(), (port) => `nats://127.0.0.1:${port}`),
  },
} as const satisfies Record<string, EngineKind>;
