import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import Database from 'libsql';
import { type Engine, isBusy, loadEngine, type Writer } from '../../src/stores/sqlite/engine.js';
import { LogFile } from '../../src/stores/sqlite/log-file.js';
import { openSqliteStore, temporaryFolder } from '../support/stores/sqlite.js';
import { draft } from '../support/drafts.js';

const { folder, cleanUp } = temporaryFolder();
afterAll(cleanUp);

const MIB = 1024 * 1024;

/** The engine, with checkpoints that do not begin before they are let. */
async function engineWithGate(): Promise<{ engine: Engine; begun: Promise<void>; open: () => void }> {
  const real = await loadEngine();
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const openWriter = async (path: string): Promise<Writer> => {
    const writer = await real.openWriter(path);
    const exec = async (sql: string): Promise<void> => {
      if (sql.includes('wal_checkpoint')) {
        begin();
        await opened;
      }
      await writer.exec(sql);
    };
    return { prepare: (sql) => writer.prepare(sql), exec, close: () => writer.close() };
  };
  return { engine: { openReader: (path) => real.openReader(path), openWriter }, begun, open };
}

describe('a checkpoint of sqliteStore', () => {
  test('lets no process commit meanwhile, because a commit could reset the write-ahead log', async () => {
    const path = join(folder, 'locked.db');
    const { engine, begun, open } = await engineWithGate();
    const file = await LogFile.open(path, engine);
    const other = await LogFile.open(path, await loadEngine());
    const closed = file.close();
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
