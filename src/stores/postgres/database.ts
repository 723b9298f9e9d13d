import type pg from 'pg';
import type { ClientConfig, Pool, PoolClient, QueryConfig } from 'pg';
import type { Clock } from '../../core/clock.js';
import { within } from '../../core/within.js';
import { endsConnection, isNotPrepared, NoAnswer } from './errors.js';

export type Row = Readonly<Record<string, unknown>>;
export type Values = readonly unknown[];

export interface DatabaseOptions {
  readonly pool: Pool;
  /** True if the store created the pool. The store then also closes it. */
  readonly owned: boolean;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Called when an idle connection is lost. */
  readonly onLost: () => void;
}

/** A statement that each connection prepares once, so that the engine does not plan each call. */
export interface Prepared {
  /** The name of the statement. A changed text needs a new name. */
  readonly name: string;
  readonly text: string;
}

export type Statement = string | Prepared;

/** Runs queries on one connection, one after another. */
export type RunQuery = (statement: Statement, values?: Values) => Promise<Row[]>;

/** A pool in which each call ends within the timeout, with its result or with an error. */
export class Database {
  readonly #options: DatabaseOptions;
  #canPrepare = true;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    // Without a listener the loss of an idle connection would end the process.
    options.pool.on('error', options.onLost);
    options.pool.on('connect', ignoreErrors);
  }

  /**
   * Runs one query. If `use` throws, its error may also end the connection: see `endsConnection`.
   *
   * A pooler in transaction mode may run a prepared statement on a connection that lacks it. It may
   * also prepare a statement twice. The engine rejects both and executes nothing. The query then
   * runs again without a prepared statement, and so do all later queries.
   */
  async query<T>(statement: Statement, values: Values, use: (rows: Row[]) => T): Promise<T> {
    const runOnce = (one: Statement) => this.withConnection(async (run) => use(await run(one, values)));
    if (typeof statement === 'string') return runOnce(statement);
    if (this.#canPrepare) {
      try {
        return await runOnce(statement);
      } catch (error) {
        if (!isNotPrepared(error)) throw error;
        this.#canPrepare = false;
      }
    }
    return runOnce(statement.text);
  }

  /** Runs several queries on one connection. All of them share the time of one call. */
  async withConnection<T>(task: (run: RunQuery) => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const giveUpAtMs = clock.monotonic() + timeoutMs;
    const client = await this.#connect();
    const lost = { broken: false };
    // The query in progress also rejects. Without a listener, an error event would end the process.
    const onError = (): void => {
      lost.broken = true;
    };
    client.on('error', onError);
    try {
      return await task(async (statement, values = []) => {
        // The types of `pg` lack `query_timeout`. After a timeout the connection is closed.
        const remainingMs = Math.max(1, giveUpAtMs - clock.monotonic());
        const query: QueryConfig & { query_timeout: number } = {
          ...(typeof statement === 'string' ? { text: statement } : statement),
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
      // A client that is destroyed may still emit an error.
      if (lost.broken) ignoreErrors(client);
      client.release(lost.broken);
    }
  }

  async close(): Promise<void> {
    const { pool, owned, onLost } = this.#options;
    if (owned) await pool.end();
    pool.off('error', onLost);
    pool.off('connect', ignoreErrors);
  }

  async #connect(): Promise<PoolClient> {
    const { pool, clock, timeoutMs } = this.#options;
    const connecting = pool.connect();
    const late = (): Error => new NoAnswer(`no connection within ${timeoutMs} ms`);
    try {
      return await within(connecting, { clock, timeoutMs, late });
    } catch (error) {
      // A connection that arrives too late is returned to the pool.
      connecting.then(
        (client) => {
          client.release();
        },
        () => undefined,
      );
      throw error;
    }
  }
}

/**
 * A server may end a new connection in the same packet that reports it as ready. At that moment
 * neither the pool nor the caller listens for errors. Without this listener, the error event would
 * end the process.
 */
function ignoreErrors(client: PoolClient): void {
  client.on('error', () => undefined);
}

export interface ConnectionOptions {
  readonly pool: Pool | undefined;
  readonly connectionString: string | undefined;
  readonly listenConnectionString: string | undefined;
  readonly poolMax: number;
  readonly timeoutMs: number;
}

/** The package `pg`. */
export type Pg = typeof pg;

/**
 * Loads the package when a store is opened.
 * @throws Error that names the package to install
 */
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

/**
 * The configuration of the connection that listens. By default it is the configuration of the pool.
 */
export function listenConfig(options: ConnectionOptions): ClientConfig {
  const text = options.listenConnectionString ?? options.connectionString;
  if (text !== undefined || !options.pool) return clientConfig(options, text);
  // Copies property descriptors, because the pool makes its password not enumerable.
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
