import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import Database from 'libsql';
import { systemClock } from '../../src/core/clock.js';
import { logEntry } from '../../src/core/notification.js';
import { Outage } from '../../src/stores/shared/unavailable.js';
import { type Engine, isBusy, loadEngine, type Writer } from '../../src/stores/sqlite/engine.js';
import { LogAccess } from '../../src/stores/sqlite/log-access.js';
import { LogFile } from '../../src/stores/sqlite/log-file.js';
import { openSqliteStore, temporaryFolder } from '../support/stores/sqlite.js';
import { draft } from '../support/drafts.js';

const { folder, cleanUp } = temporaryFolder();
afterAll(cleanUp);

const MIB = 1024 * 1024;

/** The engine, with a task that runs before each statement of a connection that writes. */
async function engineWith(before: (sql: string) => Promise<void> | void): Promise<Engine> {
  const real = await loadEngine();
  const openWriter = async (path: string): Promise<Writer> => {
    const writer = await real.openWriter(path);
    const exec = async (sql: string): Promise<void> => {
      await before(sql);
      await writer.exec(sql);
    };
    return { prepare: (sql) => writer.prepare(sql), exec, close: () => writer.close() };
  };
  return { openReader: (path) => real.openReader(path), openWriter };
}

/** The engine, with checkpoints that do not begin before they are let. */
async function engineWithGate(): Promise<{ engine: Engine; begun: Promise<void>; open: () => void }> {
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const engine = await engineWith(async (sql) => {
    if (!sql.includes('wal_checkpoint')) return;
    begin();
    await opened;
  });
  return { engine, begun, open };
}

/** Appends an entry through a process's own connections. */
async function insert(file: LogFile, position: number, data: string): Promise<void> {
  file.begin();
  file.insert(logEntry(position, draft(`n${position}`, { topic: 'user.1', data })), 0);
  await file.commit();
}

describe('a checkpoint of sqliteStore', () => {
  test('lets no process commit meanwhile, because a commit could reset the write-ahead log', async () => {
    const path = join(folder, 'locked.db');
    const { engine, begun, open } = await engineWithGate();
    const file = await LogFile.open(path, engine);
    const other = await LogFile.open(path, await loadEngine());
    const closed = file.close(true);
    await begun;
    let refusal: unknown;
    try {
      other.begin();
    } catch (error) {
      refusal = error;
    }
    expect(isBusy(refusal)).toBe(true);
    open();
    await closed;
    other.begin();
    await other.commit();
    other.discard();
  });

  test.each(['close', 'emptyLog'] as const)('does not begin in %s while another process has the lock', async (call) => {
    const path = join(folder, `lock-${call}.db`);
    const statements: string[] = [];
    const file = await LogFile.open(path, await engineWith((sql) => void statements.push(sql)));
    await insert(file, 1, 'x');
    const other = await LogFile.open(path, await loadEngine());
    other.begin();
    await file[call](true).catch((error: unknown) => {
      expect(isBusy(error)).toBe(true);
    });
    expect(statements.filter((sql) => sql.includes('wal_checkpoint'))).toEqual([]);
    await other.rollback();
    other.discard();
    file.discard();
  });

  test('waits for no other process at close if that process commits too', async () => {
    const path = join(folder, 'others.db');
    const statements: string[] = [];
    const options = { path, busyMs: 1_000, clock: systemClock, outage: new Outage('sqlite', console) };
    const truncating = () => statements.filter((sql) => sql.includes('TRUNCATE')).length;
    const open = async () => {
      const access = new LogAccess({ ...options, engine: await engineWith((sql) => void statements.push(sql)) });
      await access.write((file) => file.setState({ ...file.state(), bytes: 1 }));
      return access;
    };
    const [first, second] = [await open(), await open()];
    await first.close();
    expect(truncating()).toBe(0);
    await second.close();
    expect(truncating()).toBe(1);
    expect(statSync(`${path}-wal`).size).toBe(0);
  });

  test('leaves no removed entry behind if another process begins the write-ahead log again', async () => {
    const path = join(folder, 'again.db');
    let between = async (): Promise<void> => undefined;
    const file = await LogFile.open(
      path,
      // The end of the transaction in which the checkpoint runs.
      await engineWith((sql) => (sql === 'ROLLBACK' ? between() : undefined)),
    );
    const other = await LogFile.open(path, await loadEngine());
    for (let position = 1; position <= 100; position++) await insert(file, position, 'secret-text');
    await file.overwrite('always');
    file.begin();
    file.removeTopic('user.1', 0, 100);
    await file.commit();
    const held = () => readFileSync(`${path}-wal`, 'latin1').includes('secret-text');
    between = async () => {
      between = async () => undefined;
      await file.rollback();
      await insert(other, 101, 'x');
    };
    const refusal: unknown = await file.emptyLog().catch((error: unknown) => error);
    expect([isBusy(refusal), held()]).toEqual([true, true]);
    await file.emptyLog();
    expect(held()).toBe(false);
    other.discard();
    file.discard();
  });

  test('keeps the write-ahead log below 32 MiB, with several processes, many topics and retention', async () => {
    const path = join(folder, 'bounded.db');
    const stores = [
      await openSqliteStore({ path, retainCount: 2_000 }),
      await openSqliteStore({ path, retainCount: 2_000 }),
    ];
    let bytesMax = 0;
    for (let round = 0; round < 120; round++) {
      await Promise.all(
        stores.map((store, at) =>
          Promise.all(
            Array.from({ length: 50 }, (_, n) =>
              store.append([draft(`${at}-${round}-${n}`, { topic: `topic-${(round * 50 + n) % 5_000}` })]),
            ),
          ),
        ),
      );
      bytesMax = Math.max(bytesMax, statSync(`${path}-wal`).size);
    }
    const text = 'x'.repeat(MIB);
    for (let n = 0; n < 40; n++) {
      await stores[n % 2]!.append([draft(`large-${n}`, { data: text })]);
      bytesMax = Math.max(bytesMax, statSync(`${path}-wal`).size);
    }
    expect(bytesMax).toBeGreaterThan(15 * MIB);
    expect(bytesMax).toBeLessThan(32 * MIB);
  }, 60_000);

  test('continues after a reader has held it back', async () => {
    const path = join(folder, 'held.db');
    const store = await openSqliteStore({ path });
    const text = 'x'.repeat(MIB);
    const append = async (count: number, name: string) => {
      for (let n = 0; n < count; n++) await store.append([draft(`${name}-${n}`, { data: text })]);
    };
    await append(1, 'first');
    const reader = new Database(path);
    reader.exec('BEGIN; SELECT * FROM log');
    await append(40, 'held');
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(35 * MIB);
    reader.exec('COMMIT');
    reader.close();
    await append(20, 'free');
    expect(statSync(`${path}-wal`).size).toBeLessThan(32 * MIB);
  }, 60_000);

  test('runs at close, so that the file contains all notifications', async () => {
    const path = join(folder, 'closed.db');
    const store = await openSqliteStore({ path });
    await store.append([draft('large', { data: 'x'.repeat(MIB) })]);
    expect(statSync(path).size).toBeLessThan(MIB);
    await store.close();
    expect(statSync(path).size).toBeGreaterThan(MIB);
  });
});
