/** The options of `nest add nest-notifications`. `schematics/nest-add.json` has their prompts. */
export interface NestAddOptions {
  /** The folder of `app.module.ts`. @default 'src' */
  readonly sourceRoot?: string | undefined;
  /** @default 'memory' */
  readonly store?: StoreName | undefined;
  /** @default 'public' */
  readonly access?: AccessChoice | undefined;
}

export type StoreName = 'memory' | 'sqlite' | 'redis' | 'postgres' | 'nats';

/** `user`: each user of a guard may read a topic of their own. `none`: no caller may read. */
export type AccessChoice = 'public' | 'user' | 'none';

/** The code of a store, and the packages that it needs. */
interface StoreCode {
  readonly entry?: string;
  readonly call?: string;
  readonly packages: Readonly<Record<string, string>>;
}

/** The version ranges are those of the optional peers of this package. */
export const STORES: Readonly<Record<StoreName, StoreCode>> = {
  memory: { packages: {} },
  sqlite: {
    entry: 'sqlite',
    call: `sqliteStore({ path: 'notifications.db' })`,
    packages: { libsql: '^0.5.0' },
  },
  redis: {
    entry: 'redis',
    call: `redisStore({ connection: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' })`,
    packages: { ioredis: '^6.0.0' },
  },
  postgres: {
    entry: 'postgres',
    call: `postgresStore({ connectionString: process.env.DATABASE_URL ?? 'postgres://127.0.0.1:5432/postgres' })`,
    packages: { pg: '^8.11.0' },
  },
  nats: {
    entry: 'nats',
    call: `natsStore({ connection: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })`,
    packages: { '@nats-io/jetstream': '^3.4.0', '@nats-io/transport-node': '^3.4.0' },
  },
};

/** The option `access`, as code. */
export function accessText(access: AccessChoice): string {
  if (access === 'public') return `access: 'public'`;
  if (access === 'none') return `access: {}`;
  return `access: {
        // A guard sets request.user. Add it to the option guards.
        subscriber: ({ request }: { request: { user?: { id: string } } }) => request.user?.id,
        read: { 'user.:id': ({ subscriber }, { id }) => id === subscriber },
      }`;
}
