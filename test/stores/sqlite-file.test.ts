import { copyFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import Database from 'libsql';
import type { Store } from '../../src/core/store.js';
import { assertContinues } from '../../src/testing/contract/bench.js';
import { sqliteStore, type SqliteStoreOptions } from '../../src/stores/sqlite/index.js';
import { LogFile } from '../../src/stores/sqlite/log-file.js';
import { openSqliteStore, reports, temporaryFolder } from '../support/stores/sqlite.js';
import { draft } from '../support/drafts.js';
import { follow, readAllIds } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';
import { systemClock } from '../../src/core/clock.js';

const { folder, cleanUp } = temporaryFolder();
afterAll(cleanUp);

let files = 0;
let path = '';
beforeEach(() => {
  path = join(folder, `${files++}.db`);
  reports.length = 0;
});

const open = (options: Partial<SqliteStoreOptions> = {}) => openSqliteStore({ path, ...options });
const stateOf = (store: Store) => store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
const publish = (store: Store, ...ids: string[]) => store.append(ids.map((id) => draft(id)));

describe('the file of sqliteStore', () => {
  test('and the files beside it are readable by the owner only', async () => {
    await publish(await open(), 'a');
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
  });

  test('keeps log, epoch and ids across restarts', async () => {
    const first = await open();
    const { epoch } = await publish(first, 'a', 'b');
    await first.close();
    const again = await open();
    const { appended } = await publish(again, 'b', 'c');
    expect(appended.map(({ duplicate }) => duplicate)).toEqual([true, false]);
    expect(await readAllIds(again)).toEqual(['a', 'b', 'c']);
    assertContinues((await stateOf(again)).epoch, { epoch, position: 2 });
  });

  test('is created again after it was deleted, with a new epoch that tails receive', async () => {
    const store = await open();
    const { epoch } = await publish(store, 'a', 'b');
    const batches = await follow(store, 0);
    await until(() => batches.at(-1)?.head === 2);
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix);
    const result = await publish(store, 'c');
    expect(result.epoch.id).not.toBe(epoch.id);
    await until(() => batches.at(-1)?.epoch.id === result.epoch.id);
    await publish(store, 'd');
    await until(() => batches.at(-1)?.entries.at(-1)?.id === 'd');
    expect(await readAllIds(store)).toEqual(['c', 'd']);
  });

  test('gets a new epoch after an older copy has replaced it, at once and at the next start', async () => {
    const before = await open();
    const { epoch } = await publish(before, 'a');
    await before.close();
    copyFileSync(path, `${path}.backup`);
    const store = await open();
    await publish(store, 'b');
    await store.close();
    rmSync(path);
    copyFileSync(`${path}.backup`, path);
    const restored = await open();
    const renewed = (await stateOf(restored)).epoch;
    expect(renewed.id).not.toBe(epoch.id);
    expect(renewed.secret).not.toBe(epoch.secret);
    expect(await readAllIds(restored)).toEqual(['a']);
    await restored.close();
    assertContinues((await stateOf(await open())).epoch, { epoch: renewed, position: 1 });
  });

  test('gets a new epoch if it has fewer entries than a process has seen', async () => {
    const store = await open();
    const { epoch } = await publish(store, 'a', 'b');
    const other = new Database(path);
    other.exec('DELETE FROM entries WHERE position = 2; UPDATE log SET head = 1');
    expect((await stateOf(store)).epoch.id).not.toBe(epoch.id);
    expect((await publish(store, 'c')).appended[0]?.position).toBe(2);
    expect(await readAllIds(store)).toEqual(['a', 'c']);
  });

  test('of another application is refused and not touched', async () => {
    const foreign = new Database(path);
    foreign.exec('CREATE TABLE theirs (a)');
    await expect(open()).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: { message: expect.stringContaining('another application') },
    });
    expect(foreign.prepare('SELECT count(*) AS n FROM sqlite_schema').get()).toMatchObject({ n: 1 });
    writeFileSync(`${path}.txt`, 'not a database, but long enough to look like one'.repeat(40));
    await expect(open({ path: `${path}.txt` })).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('stays the same file if its path is relative and the process changes its folder', async () => {
    const start = process.cwd();
    const store = await open({ path: relative(start, path) });
    const { epoch } = await publish(store, 'a');
    try {
      process.chdir(folder);
      const second = await publish(store, 'b');
      expect([second.epoch.id, second.appended[0]?.position]).toEqual([epoch.id, 2]);
      expect(await readAllIds(store)).toEqual(['a', 'b']);
    } finally {
      process.chdir(start);
    }
  });

  test('is closed after a start that cannot write', async () => {
    const store = await open();
    await publish(store, 'a');
    await store.close();
    const other = new Database(path);
    other.exec(`UPDATE entries SET time_ms = 0;
      CREATE TRIGGER full BEFORE DELETE ON entries BEGIN SELECT RAISE(FAIL, 'no space'); END`);
    other.close();
    const closing = jest.spyOn(LogFile.prototype, 'close');
    await expect(open()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(closing).toHaveBeenCalledTimes(1);
    closing.mockRestore();
  });

  test('is store_unavailable if it cannot be created', async () => {
    await expect(open({ path: join(folder, 'none', 'a.db') })).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});

describe('sqliteStore with other processes', () => {
  test('waits for a lock, no longer than busyMs, and reports the outage and its end once', async () => {
    const store = await open({ busyMs: 200 });
    const holder = new Database(path);
    holder.exec('BEGIN IMMEDIATE');
    const startMs = Date.now();
    const calls = await Promise.allSettled([publish(store, 'a'), publish(store, 'b'), publish(store, 'c')]);
    await expect(publish(store, 'd')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(Date.now() - startMs).toBeLessThan(2_000);
    expect(await readAllIds(store)).toEqual([]);
    holder.exec('COMMIT');
    await publish(store, 'a');
    expect(reports).toEqual([
      expect.stringContaining('sqlite store is unavailable: SQLITE_BUSY'),
      expect.stringContaining('available again'),
    ]);
  });

  test('reads while others write', async () => {
    const store = await open();
    await publish(store, 'a');
    const holder = new Database(path);
    holder.exec('BEGIN IMMEDIATE');
    expect(await readAllIds(store)).toEqual(['a']);
    holder.exec('ROLLBACK');
  });

  test('a draft that cannot be stored fails alone', async () => {
    const store = await open();
    const calls = await Promise.allSettled([publish(store, 'a'), publish(store, 'b', 'x\0'), publish(store, 'c')]);
    expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await readAllIds(store)).toEqual(['a', 'c']);
  });
});

describe('the bounds of sqliteStore', () => {
  test('age removes the oldest also when nothing is appended', async () => {
    const store = await open({ retainMs: 100 });
    await publish(store, 'a', 'b');
    await until(async () => (await stateOf(store)).trimmed === 2);
    expect(await readAllIds(store)).toEqual([]);
    expect((await publish(store, 'c')).appended[0]?.position).toBe(3);
  });

  test('positions end where a number is no longer exact', async () => {
    const last = Number.MAX_SAFE_INTEGER;
    const store = await open();
    const { epoch } = await publish(store, 'a');
    const other = new Database(path);
    other.exec(`UPDATE log SET head = ${last - 1}, trimmed = ${last - 1}; DELETE FROM entries`);
    other.close();
    expect((await publish(store, 'b')).appended[0]?.position).toBe(last);
    await expect(publish(store, 'c')).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('no positions left'),
    });
    expect(await readAllIds(store)).toEqual(['b']);
    expect(await stateOf(store)).toMatchObject({ epoch: { id: epoch.id }, head: last });
  });

  test('bytes remove the oldest', async () => {
    const store = await open({ retainBytes: 2_000 });
    for (let n = 0; n < 40; n++) await publish(store, `id-${n}`);
    const { trimmed, head } = await stateOf(store);
    expect(head).toBe(40);
    const size = draft('id-00').json.length;
    expect(head - trimmed).toBeLessThanOrEqual(Math.ceil(2_200 / size));
    expect(head - trimmed).toBeGreaterThanOrEqual(Math.floor(2_000 / size));
  });

  test('the idempotency window ends by count and by age', async () => {
    const byCount = await open({ idempotencyCount: 2 });
    await publish(byCount, 'a', 'b', 'c');
    const { appended } = await publish(byCount, 'a', 'c');
    expect(appended.map(({ duplicate }) => duplicate)).toEqual([false, true]);
    path = `${path}.age`;
    const { now, monotonic } = systemClock;
    let laterMs = 0;
    const clock = { ...systemClock, now: () => now() + laterMs, monotonic: () => monotonic() + laterMs };
    const byAge = await openSqliteStore({ path, idempotencyMs: 60_000 }, clock);
    await publish(byAge, 'a');
    laterMs = 30_000;
    expect((await publish(byAge, 'a')).appended[0]).toMatchObject({ position: 1, duplicate: true });
    laterMs = 60_000;
    expect((await publish(byAge, 'a')).appended[0]).toMatchObject({ position: 2, duplicate: false });
  });

  test.each([
    [{ path: '' }, /option path is the string ""/],
    [{ path: ':memory:' }, /option path is the string ":memory:"/],
    [{ path: 'a', retainCount: 0 }, /option retainCount is 0; it must be a whole number of at least 1$/],
    [{ path: 'a', pollMs: 2 ** 31 }, /option pollMs is 2147483648; it must be a whole number from 1 to 2147483647/],
    [{ path: 'a', busyMs: 1.5 }, /busyMs is 1.5/],
    [{ path: 'a', retainDays: 1 }, /there is no option retainDays/],
  ])('options are checked: %j', (options, message) => {
    expect(() => sqliteStore(options)).toThrow(message);
  });
});
