import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type Engine, isBusy, loadEngine, type Writer } from '../../src/stores/sqlite/engine.js';
import { LogFile } from '../../src/stores/sqlite/log-file.js';
import { draft, openSqliteStore, temporaryFolder, until } from './sqlite-bench.js';

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
  test('lets nobody commit meanwhile, who could reset the write-ahead log under it', async () => {
    const path = join(folder, 'locked.db');
    const { engine, begun, open } = await engineWithGate();
    const file = await LogFile.open(path, engine);
    const other = await LogFile.open(path, await loadEngine());
    const checkpoint = file.checkpoint();
    await begun;
    let refusal: unknown;
    try {
      other.begin();
    } catch (error) {
      refusal = error;
    }
    expect(isBusy(refusal)).toBe(true);
    open();
    await checkpoint;
    other.begin();
    await other.commit();
    file.discard();
    other.discard();
  });

  test('is made when enough has been written, so that the write-ahead log does not grow', async () => {
    const path = join(folder, 'bounded.db');
    const store = await openSqliteStore({ path });
    const text = 'x'.repeat(MIB);
    for (let n = 0; n < 100; n++) await store.append([draft(`large-${n}`, 'orders', text)]);
    await until('the file to hold most of it', () => statSync(path).size > 60 * MIB);
    expect(statSync(`${path}-wal`).size).toBeLessThan(60 * MIB);
  });

  test('is made at the end, so that the file alone holds everything', async () => {
    const path = join(folder, 'closed.db');
    const store = await openSqliteStore({ path });
    await store.append([draft('large', 'orders', 'x'.repeat(MIB))]);
    expect(statSync(path).size).toBeLessThan(MIB);
    await store.close();
    expect(statSync(path).size).toBeGreaterThan(MIB);
  });
});
