/**
 * One interface to the two libraries that can be the engine. A statement is quick and blocks the
 * event loop. A commit waits for the disk. With libsql, this wait does not block the event loop.
 */
export interface Engine {
  openReader(path: string): Promise<Reader>;
  openWriter(path: string): Promise<Writer>;
}

export type Value = string | number;
export type Row = Readonly<Record<string, unknown>>;

export interface Reader {
  prepare(sql: string): Query;
  exec(sql: string): void;
  close(): void;
}

export interface Query {
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
}

export interface Writer {
  prepare(sql: string): Promise<Command>;
  exec(sql: string): Promise<void>;
  close(): void;
}

/** A statement that runs at once, without a wait for the disk. */
export type Command = (...values: Value[]) => void;

/** The part of libsql that is used here. The types of libsql describe another library. */
interface LibsqlStatement {
  run(values: Value[]): unknown;
  get(values: Value[]): Row | undefined;
  all(values: Value[]): Row[];
}
interface LibsqlDatabase {
  prepare(sql: string): LibsqlStatement;
  exec(sql: string): void;
  close(): void;
}
interface LibsqlAsyncDatabase {
  prepare(sql: string): Promise<LibsqlStatement>;
  exec(sql: string): Promise<void>;
  close(): void;
}
interface Libsql {
  readonly default: new (path: string) => LibsqlDatabase;
}
interface LibsqlPromise {
  readonly default: new (path: string) => LibsqlAsyncDatabase;
}

/** The part of `node:sqlite` that is used here. The oldest supported Node.js does not have it. */
interface NodeStatement {
  run(...values: Value[]): unknown;
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
}
interface NodeDatabase {
  prepare(sql: string): NodeStatement;
  exec(sql: string): void;
  close(): void;
}
interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => NodeDatabase;
}

/** @throws Error with the package to install, if neither library exists */
export async function loadEngine(): Promise<Engine> {
  try {
    const [sync, promise] = (await Promise.all([import('libsql'), import('libsql/promise')])) as unknown as [
      Libsql,
      LibsqlPromise,
    ];
    return libsqlEngine(sync, promise);
  } catch (libsqlError) {
    try {
      // The name is in a variable, because the types of the oldest supported Node.js do not know
      // it.
      const name = 'node:sqlite';
      return nodeEngine((await import(name)) as NodeSqlite);
    } catch {
      const message = 'sqliteStore needs the package libsql (npm install libsql), or a Node.js that has node:sqlite.';
      throw new Error(message, { cause: libsqlError });
    }
  }
}

function libsqlEngine({ default: Sync }: Libsql, { default: Async }: LibsqlPromise): Engine {
  return {
    openReader: async (path) => {
      const database = new Sync(path);
      return {
        prepare: (sql) => {
          const statement = database.prepare(sql);
          return { get: (...values) => statement.get(values), all: (...values) => statement.all(values) };
        },
        exec: (sql) => {
          database.exec(sql);
        },
        close: () => {
          database.close();
        },
      };
    },
    openWriter: async (path) => {
      const database = new Async(path);
      return {
        prepare: async (sql) => {
          const statement = await database.prepare(sql);
          return (...values) => {
            statement.run(values);
          };
        },
        exec: (sql) => database.exec(sql),
        close: () => {
          database.close();
        },
      };
    },
  };
}

function nodeEngine({ DatabaseSync }: NodeSqlite): Engine {
  return {
    openReader: async (path) => new DatabaseSync(path),
    openWriter: async (path) => {
      const database = new DatabaseSync(path);
      return {
        prepare: async (sql) => {
          const statement = database.prepare(sql);
          return (...values) => {
            statement.run(...values);
          };
        },
        exec: async (sql) => {
          database.exec(sql);
        },
        close: () => {
          database.close();
        },
      };
    },
  };
}

/** SQLITE_BUSY and its variants: another process has the lock, and will release it. */
export function isBusy(error: unknown): boolean {
  const { rawCode, errcode, code } = error as { rawCode?: number; errcode?: number; code?: unknown };
  const PRIMARY_CODE = 0xff;
  const SQLITE_BUSY = 5;
  const number = rawCode ?? errcode;
  if (number !== undefined) return (number & PRIMARY_CODE) === SQLITE_BUSY;
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY');
}

/**
 * The reason of a failure, for operators: the code of the library, if there is one, and its
 * message.
 */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return [code, message].filter((part) => typeof part === 'string' && part !== '').join(': ') || 'unknown error';
}
