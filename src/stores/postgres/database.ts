import type pg from 'pg';
import type { ClientConfig, Pool, PoolClient, QueryConfig } from 'pg';
import type { Clock } from '../../core/clock.js';
import { endsConnection, NoAnswer } from './errors.js';

export type Row = Readonly<Record<string, unknown>>;
export type Values = readonly unknown[];

export interface DatabaseOptions {
  readonly pool: Pool;
  /** The pool was made for this store and ends with it. */
  readonly owned: boolean;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** A connection was lost while nobody used it. */
  readonly onLost: () => void;
}

/** What one connection answers, one query after another. */
export type Ask = (text: string, values?: Values) => Promise<Row[]>;

/** A pool whose every answer comes within a time, or not at all. */
export class Database {
  readonly #options: DatabaseOptions;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    // Without a listener the loss of an idle connection would end the process.
    options.pool.on('error', options.onLost);
    options.pool.on('connect', hearErrors);
  }

  /** Runs one query. An error of `use` also decides whether the connection is kept. */
  query<T>(text: string, values: Values, use: (rows: Row[]) => T): Promise<T> {
    return this.withConnection(async (ask) => use(await ask(text, values)));
  }

  /** Runs several queries on one connection, all of them within the time of one. */
  async withConnection<T>(task: (ask: Ask) => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const giveUpAtMs = clock.monotonic() + timeoutMs;
    const client = await this.#connect();
    const lost = { broken: false };
    // The query under way rejects as well; an error without a listener would end the process.
    const onError = (): void => {
      lost.broken = true;
    };
    client.on('error', onError);
    try {
      return await task(async (text, values = []) => {
        // The library knows this field, its types do not. What is late is cut off together with its connection.
        const remainingMs = Math.max(1, giveUpAtMs - clock.monotonic());
        const query: QueryConfig & { query_timeout: number } = {
          text,
          values: [...values],
          query_timeout: remainingMs,
        };
        return (await client.query<Row & object>(query)).rows;
      });
    } catch (error) {
      lost.broken ||= endsConnection(error);
      throw error;
    } finally {
      client.off('error', onError);
      // A client that is destroyed may still report that; nobody is interested any more.
      if (lost.broken) hearErrors(client);
      client.release(lost.broken);
    }
  }

  async close(): Promise<void> {
    const { pool, owned, onLost } = this.#options;
    if (owned) await pool.end();
    pool.off('error', onLost);
    pool.off('connect', hearErrors);
  }

  async #connect(): Promise<PoolClient> {
    const { pool, clock, timeoutMs } = this.#options;
    const connecting = pool.connect();
    let timer: unknown;
    const late = new Promise<never>((_, reject) => {
      timer = clock.setTimeout(() => {
        reject(new NoAnswer(`no connection within ${timeoutMs} ms`));
      }, timeoutMs);
    });
    try {
      return await Promise.race([connecting, late]);
    } catch (error) {
      // One that comes too late goes back where it came from.
      connecting.then(
        (client) => {
          client.release();
        },
        () => undefined,
      );
      throw error;
    } finally {
      clock.clearTimeout(timer);
    }
  }
}

/**
 * A new connection may report its end in the very packet that says it is ready: before its promise has been seen by
 * whoever waits for it, and between the listeners of pool and user. Without this one that would end the process.
 */
function hearErrors(client: PoolClient): void {
  client.on('error', () => undefined);
}

export interface ConnectionOptions {
  readonly pool: Pool | undefined;
  readonly connectionString: string | undefined;
  readonly listenConnectionString: string | undefined;
  readonly poolMax: number;
  readonly timeoutMs: number;
}

/** The library. */
export type Pg = typeof pg;

/** Loads the library, when a store is made. @throws Error that says what to install */
export async function loadPg(): Promise<Pg> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new Error('postgresStore needs the package pg (npm install pg).', { cause });
  }
}

export function poolOf(library: Pg, options: ConnectionOptions): { pool: Pool; owned: boolean } {
  if (options.pool) return { pool: options.pool, owned: false };
  return {
    pool: new library.Pool({ ...clientConfig(options, options.connectionString), max: options.poolMax }),
    owned: true,
  };
}

/** What the connection that listens is made from; where nothing else is given, like those of the pool. */
export function listenConfig(options: ConnectionOptions): ClientConfig {
  const text = options.listenConnectionString ?? options.connectionString;
  if (text !== undefined || !options.pool) return clientConfig(options, text);
  // By their descriptors, as the pool hides its password from being enumerated.
  const copy: ClientConfig = Object.defineProperties({}, Object.getOwnPropertyDescriptors(options.pool.options));
  return Object.assign(copy, { connectionTimeoutMillis: options.timeoutMs, keepAlive: true });
}

function clientConfig({ timeoutMs }: ConnectionOptions, connectionString: string | undefined): ClientConfig {
  return {
    ...(connectionString === undefined ? {} : { connectionString }),
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    application_name: 'nest-notifications',
  };
}
