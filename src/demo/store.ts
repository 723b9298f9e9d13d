import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { memoryStore, type StoreFactory } from '../index.js';
import { natsStore } from '../stores/nats/index.js';
import { postgresStore } from '../stores/postgres/index.js';
import { redisStore } from '../stores/redis/index.js';
import { sqliteStore } from '../stores/sqlite/index.js';

/** The retention of a store; every driver has these options. */
export interface Retention {
  readonly retainCount: number;
  readonly retainMs: number;
  readonly retainBytes: number;
}

interface Engine {
  /** How the value of STORE begins. */
  readonly prefixes: readonly string[];
  readonly open: (store: string, retention: Retention) => StoreFactory;
  readonly note: string;
}

const SHARED_NOTE =
  'The server of STORE keeps notifications: clients resume after a restart, and other nodes serve the same feed.';

const ENGINES: readonly Engine[] = [
  {
    prefixes: ['memory'],
    open: (_, retention) => memoryStore(retention),
    note: 'Notifications are kept in memory: a restart loses them, and clients receive a gap.',
  },
  {
    prefixes: ['sqlite:'],
    open: (store, retention) => {
      const path = store.slice('sqlite:'.length);
      mkdirSync(dirname(path), { recursive: true });
      return sqliteStore({ path, ...retention });
    },
    note: 'Notifications are kept in the file of STORE: clients resume after a restart.',
  },
  {
    prefixes: ['redis://', 'rediss://'],
    open: (connection, retention) => redisStore({ connection, ...retention }),
    note: SHARED_NOTE,
  },
  {
    prefixes: ['postgres://', 'postgresql://'],
    open: (connectionString, retention) => postgresStore({ connectionString, ...retention }),
    note: SHARED_NOTE,
  },
  {
    prefixes: ['nats://'],
    open: (store, retention) => {
      const { host, username, password, searchParams } = new URL(store);
      const syncAlways = searchParams.has('syncAlways');
      const login = username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {};
      return natsStore({ connection: { servers: host, ...login }, syncAlways, ...retention });
    },
    note: SHARED_NOTE,
  },
];

/** The values of STORE, for messages. */
export const STORE_FORMS = 'memory, sqlite:PATH, redis://HOST, postgres://HOST/DATABASE or nats://HOST';

/** True if a value of STORE names a store. */
export function isStore(store: string): boolean {
  return engineOf(store) !== undefined && (store.startsWith('memory') ? store === 'memory' : !store.endsWith(':'));
}

/**
 * Opens the store that STORE names.
 * @throws TypeError if STORE names no store
 */
export function openStore(store: string, retention: Retention): StoreFactory {
  return known(store).open(store, retention);
}

export function storeNote(store: string): string {
  return known(store).note;
}

/**
 * The value of STORE without credentials, to print it. The user, the password and the query are
 * hidden.
 */
export function withoutCredentials(store: string): string {
  const [scheme, rest] = store.split('://', 2);
  if (rest === undefined) return store;
  const url = URL.canParse(store) ? new URL(store) : undefined;
  // An `@` after the host is probably part of a password.
  if (!url || (url.pathname + url.search + url.hash).includes('@')) return `${scheme}://***`;
  const user = url.username || url.password ? '***@' : '';
  return `${scheme}://${user}${url.host}${url.pathname}${url.search ? '?***' : ''}`;
}

function engineOf(store: string): Engine | undefined {
  return ENGINES.find(({ prefixes }) => prefixes.some((prefix) => store.startsWith(prefix)));
}

function known(store: string): Engine {
  const engine = engineOf(store);
  if (!engine) throw new TypeError('STORE names no store');
  return engine;
}
