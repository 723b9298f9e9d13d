import { type Dialect, PostgresDialect, SqliteDialect } from 'kysely';
import LibsqlDatabase from 'libsql';
import { join } from 'node:path';
import pg from 'pg';
import type { Config } from '../config/config.js';

/** Opens PostgreSQL if the configuration has its address, and an SQLite file otherwise. */
export function dialectFor({ databaseUrl, dataFolder }: Config, onError: (error: Error) => void): Dialect {
  if (databaseUrl === undefined) return sqliteDialect(join(dataFolder, 'shop.db'));
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  // An idle connection fails when the engine restarts. Without a listener, that ends the process.
  pool.on('error', onError);
  return new PostgresDialect({ pool });
}

function sqliteDialect(path: string): Dialect {
  const database = new LibsqlDatabase(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  return new SqliteDialect({ database });
}
