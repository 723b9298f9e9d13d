import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { WATCH_RETRY_MS } from '../../src/stores/sqlite/commit-signal.js';
import { draft } from '../support/drafts.js';
import { entriesOf, follow, idsOf, readAllIds } from '../support/stores/reads.js';
import { openSqliteStore, reports, temporaryFolder } from '../support/stores/sqlite.js';
import { TimerClock } from '../support/timer-clock.js';
import { until } from '../support/time/until.js';

const { folder, cleanUp } = temporaryFolder();
afterAll(cleanUp);

/** Longer than a test: no poll runs. */
const NEVER_MS = 600_000;
const POLL_MS = 25;

let files = 0;
let path = '';
beforeEach(() => {
  path = join(folder, `${files++}.db`);
  reports.length = 0;
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process that publishes to the file. */
function startPublisher(): void {
  const hooks = pathToFileURL(fileURLToPath(new URL('../../scripts/typescript-hooks.mjs', import.meta.url))).href;
  const program = fileURLToPath(new URL('./sqlite-child.ts', import.meta.url));
  children.push(spawn(process.execPath, ['--import', hooks, program, path, 'child'], { stdio: 'ignore' }));
}

const open = (pollMs: number, clock = systemClock) => openSqliteStore({ path, pollMs }, clock);
/** True if this process watches the signal of the file. */
function isWatched(): boolean {
  const inode = statSync(`${path}-wake`).ino.toString(16);
  return readdirSync('/proc/self/fdinfo').some((fd) => watchesOf(fd).includes(` ino:${inode} `));
}

/** The watches of a file descriptor. Descriptors may close while they are listed. */
function watchesOf(fd: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  } catch {
    return '';
  }
}

describe('the signal of sqliteStore', () => {
  test('wakes the tails of another store, without a poll', async () => {
    const reader = await open(NEVER_MS);
    const batches = await follow(reader, 0);
    const writer = await open(NEVER_MS);
    for (const id of ['a', 'b', 'c']) {
      await writer.append([draft(id)]);
      await until(() => entriesOf(batches).at(-1)?.id === id);
    }
    expect(reports).toEqual([]);
  });

  test('wakes the tails of another process, without a poll', async () => {
    const batches = await follow(await open(NEVER_MS), 0);
    startPublisher();
    await until(() => entriesOf(batches).length > 100);
    expect(entriesOf(batches).map(({ position }) => position)).toEqual(entriesOf(batches).map((_, at) => at + 1));
  });

  test('delivers every entry once while several stores append', async () => {
    const stores = [await open(NEVER_MS), await open(NEVER_MS), await open(NEVER_MS)];
    const tails = await Promise.all(stores.map((store) => follow(store, 0)));
    const appends = Array.from({ length: 300 }, (_, n) => stores[n % 3]!.append([draft(`n${n}`)]));
    await Promise.all(appends);
    await until(() => tails.every((batches) => batches.at(-1)?.head === 300));
    const ids = await readAllIds(stores[0]!);
    for (const batches of tails) expect(idsOf(entriesOf(batches))).toEqual(ids);
  });

  test('works again after its file was removed', async () => {
    const clock = new TimerClock();
    const batches = await follow(await open(POLL_MS, clock), 0);
    const writer = await open(NEVER_MS);
    rmSync(`${path}-wake`);
    await clock.advance(POLL_MS);
    expect(existsSync(`${path}-wake`)).toBe(true);
    await writer.append([draft('a')]);
    await until(() => entriesOf(batches).at(-1)?.id === 'a');
  });

  test('works for a new file after the log was removed', async () => {
    const batches = await follow(await open(NEVER_MS), 0);
    const writer = await open(NEVER_MS);
    const { epoch } = await writer.append([draft('a')]);
    await until(() => batches.at(-1)?.head === 1);
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix);
    await writer.append([draft('b')]);
    await until(() => batches.at(-1)?.epoch.id !== epoch.id);
    await writer.append([draft('c')]);
    await until(() => entriesOf(batches).at(-1)?.id === 'c');
  });

  test('is replaced by polls if its file cannot be watched, with one report', async () => {
    symlinkSync(join(folder, 'none', 'wake'), `${path}-wake`);
    const batches = await follow(await open(POLL_MS), 0);
    const writer = await open(NEVER_MS);
    for (const id of ['a', 'b']) {
      await writer.append([draft(id)]);
      await until(() => entriesOf(batches).at(-1)?.id === id);
    }
    expect(reports).toEqual([
      expect.stringMatching(
        /^The sqlite store cannot watch ".*-wake": ENOENT.* It polls every 25 ms, and tries again every 10 s\.$/,
      ),
    ]);
  });

  test('is tried again 10 seconds after a failure, and not before', async () => {
    symlinkSync(join(folder, 'none', 'wake'), `${path}-wake`);
    const [clock, pollMs] = [new TimerClock(), 1_000];
    await follow(await open(pollMs, clock), 0);
    rmSync(`${path}-wake`);
    await clock.advance(WATCH_RETRY_MS - pollMs);
    expect(existsSync(`${path}-wake`)).toBe(false);
    await clock.advance(2 * pollMs);
    expect(isWatched()).toBe(true);
    expect(reports).toHaveLength(1);
  });

  test('has a file for the owner only, made by the first tail', async () => {
    const store = await open(NEVER_MS);
    await store.append([draft('a')]);
    expect(existsSync(`${path}-wake`)).toBe(false);
    await follow(store, 0);
    expect(statSync(`${path}-wake`)).toMatchObject({ size: 0 });
    expect(statSync(`${path}-wake`).mode & 0o777).toBe(0o600);
  });

  test('is watched only while a tail is open', async () => {
    const clock = new TimerClock();
    const store = await open(POLL_MS, clock);
    const tail = await store.tail(0, () => undefined);
    expect(isWatched()).toBe(true);
    await tail.close();
    await clock.advance(POLL_MS);
    await until(() => !isWatched());
    await follow(store, 0);
    expect(isWatched()).toBe(true);
    await store.close();
    await until(() => !isWatched());
  });
});
