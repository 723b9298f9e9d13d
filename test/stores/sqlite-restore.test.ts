import { execFileSync } from 'node:child_process';
import { copyFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'libsql';
import { firstValueFrom } from 'rxjs';
import { systemClock } from '../../src/core/clock.js';
import { Feed } from '../../src/core/feed.js';
import { type LogPage, type LogPosition, positionIn } from '../../src/core/page.js';
import { PAST_EPOCHS_MAX, type Store } from '../../src/core/store.js';
import { type Held, type Seen, renewal } from '../../src/stores/sqlite/continuity.js';
import { drafts } from '../support/drafts.js';
import { inDepth } from '../support/depth.js';
import { LIMITS, poll as pollOf } from '../support/feed.js';
import { openSqliteStore, temporaryFolder } from '../support/stores/sqlite.js';
import { follow, idsOf, readAllIds } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

const { folder, cleanUp } = temporaryFolder();
afterAll(cleanUp);

let files = 0;
let path = '';
let store: Store;
beforeEach(async () => {
  path = join(folder, `${files++}.db`);
  store = await open();
});

const open = () => openSqliteStore({ path });
const stateOf = (one: Store) => one.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });

/** Copies the file while it is open, as operators do. */
function backUp(): string {
  const database = new Database(path);
  const backup = `${path}.backup`;
  database.exec(`VACUUM INTO '${backup}'`);
  database.close();
  return backup;
}

/**
 * The life of a process that appends entries before and after its file is backed up; the id of its
 * epoch.
 */
function runAndBackUp(backup: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const hooks = pathToFileURL(join(here, '../../scripts/typescript-hooks.mjs')).href;
  const args = ['--import', hooks, join(here, 'sqlite-backup-child.ts'), path, backup];
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}

/**
 * Writes a backup over the open file in one transaction, as the restore of SQLite's shell does, and
 * appends more entries.
 */
function restoreUnderway(backup: string, more = 0): void {
  const database = new Database(path);
  database.exec(`ATTACH '${backup}' AS backup`);
  database.exec('BEGIN IMMEDIATE');
  for (const table of ['log', 'entries', 'claims', 'past_epochs']) {
    database.exec(`DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM backup.${table}`);
  }
  for (let n = 0; n < more; n++) {
    database.exec(
      `INSERT INTO main.entries SELECT max(position) + 1, 'orders', 'foreign-${n}', 0, 2, '{}' FROM main.entries`,
    );
  }
  database.exec(`UPDATE main.log SET head = head + ${more}; COMMIT`);
  database.close();
}

/** The next page of a client that holds a cursor. */
async function poll(at: Store, after: LogPosition): Promise<LogPage> {
  const feed = await Feed.open({ store: at, clock: systemClock, limits: LIMITS });
  const page = await firstValueFrom(pollOf(feed, { topics: ['orders'], after, limit: 1000, waitMs: 0 }));
  await feed.close();
  return page;
}

/** The end of a log. */
async function endOf(one: Store): Promise<LogPosition> {
  const { epoch, head } = await stateOf(one);
  return { epochId: epoch.id, position: head };
}

describe('a removal that needs a later position', () => {
  test('removes nothing if a restored log lacks it', async () => {
    await store.append(drafts(3));
    const backup = backUp();
    await store.append(drafts(3, 'later'));
    const { epochId, position: needs } = await endOf(store);
    restoreUnderway(backup);
    expect(await store.remove({ topic: 'orders', upTo: 2, epochId, needs })).toEqual({ count: 0, upTo: 0 });
    expect(await readAllIds(store)).toEqual(['n1', 'n2', 'n3']);
    expect((await store.remove({ topic: 'orders', upTo: 2, epochId, needs: 3 })).count).toBe(2);
  });
});

describe('a start of sqliteStore', () => {
  test('continues the epoch without a gap', async () => {
    await store.append(drafts(5));
    const old = await endOf(store);
    await store.close();
    store = await open();
    await store.append(drafts(2, 'next'));
    const { entries, gap, epoch } = await poll(store, old);
    expect([idsOf(entries), gap]).toEqual([['next1', 'next2'], undefined]);
    expect(epoch.id).not.toBe(old.epochId);
  });

  test('of another process does not interrupt the tails of this one', async () => {
    await store.append(drafts(5));
    const old = await endOf(store);
    const batches = await follow(store, 5);
    const other = await open();
    await other.append(drafts(1, 'other'));
    await store.append(drafts(1, 'own'));
    await until(() => batches.at(-1)?.head === 7);
    expect(batches.flatMap(({ entries }) => idsOf(entries))).toEqual(['other1', 'own1']);
    expect(batches[0]?.after).toBe(5);
    expect((await poll(store, old)).gap).toBeUndefined();
    expect((await stateOf(store)).epoch).toEqual((await stateOf(other)).epoch);
    expect((await store.append(drafts(1, 'other'))).appended[0]).toMatchObject({ position: 6, duplicate: true });
  });

  test(`remembers ${PAST_EPOCHS_MAX} starts`, async () => {
    await store.append(drafts(1));
    const ends: LogPosition[] = [];
    for (let start = 0; start < inDepth(20, PAST_EPOCHS_MAX + 4); start++) {
      ends.push(await endOf(store));
      await store.close();
      store = await open();
    }
    const { epoch } = await stateOf(store);
    const known = ends.filter((end) => positionIn(epoch, end));
    expect(known).toEqual(ends.slice(-PAST_EPOCHS_MAX));
  }, 60_000);
});

describe('a file that is restored in place', () => {
  test('between two starts resets the cursors beyond it, and no others', async () => {
    path = join(folder, 'in-place.db');
    const epochId = runAndBackUp(`${path}.backup`);
    const { ino } = statSync(path);
    copyFileSync(`${path}.backup`, path);
    expect(statSync(path).ino).toBe(ino);
    store = await open();
    await store.append(drafts(30, 'new'));
    const beyond = await poll(store, { epochId, position: 80 });
    expect([beyond.gap, beyond.entries.length]).toEqual([{ reason: 'reset' }, 80]);
    const within = await poll(store, { epochId, position: 50 });
    expect([within.gap, idsOf(within.entries)[0]]).toEqual([undefined, 'new1']);
  });

  test('under open processes is noticed by all of them, which then agree', async () => {
    await store.append(drafts(50));
    const backup = backUp();
    const other = await open();
    await store.append(drafts(30, 'lost'));
    const lost = await endOf(store);
    const batches = await follow(other, 80);
    restoreUnderway(backup);
    const result = await store.append(drafts(30, 'new'));
    expect(result.appended[0]).toMatchObject({ position: 51, duplicate: false });
    await until(() => (batches.at(-1)?.head ?? 0) >= 50);
    await other.append(drafts(1, 'other'));
    await until(async () => (await endOf(other)).epochId === (await endOf(store)).epochId);
    for (const one of [store, other]) {
      expect((await poll(one, lost)).gap).toEqual({ reason: 'reset' });
      expect(await readAllIds(one)).toHaveLength(81);
    }
    const settled = await endOf(store);
    await store.append(drafts(1, 'last'));
    expect((await poll(other, settled)).gap).toBeUndefined();
  });

  test('gives an expired gap to a client that continues past the loss, where a process has seen it', async () => {
    await store.append(drafts(50));
    const before = await endOf(store);
    const backup = backUp();
    await store.append(drafts(30, 'lost'));
    restoreUnderway(backup);
    await store.append(drafts(1, 'new'));
    const { entries, gap } = await poll(store, before);
    expect([gap, idsOf(entries)]).toEqual([{ reason: 'expired' }, ['new1']]);
  });

  test('is treated as another log if it has grown beyond the known end', async () => {
    await store.append(drafts(50));
    const backup = backUp();
    await store.append(drafts(30, 'lost'));
    const lost = await endOf(store);
    restoreUnderway(backup, 40);
    const { appended, epoch } = await store.append(drafts(1, 'new'));
    expect(appended[0]?.position).toBe(91);
    expect([epoch.id === lost.epochId, positionIn(epoch, lost)]).toEqual([false, undefined]);
  });
});

describe('a process that opens the file again', () => {
  const epoch = { id: 'e2', secret: 's2', before: [{ id: 'e1', secret: 's1', upTo: 4 }] };
  const log: Held = { epoch, head: 9, trimmed: 0, removed: 0 };
  const seen: Seen = { epochId: 'e2', head: 9, entry: { position: 8, id: 'id-8' } };
  const idAt = (position: number): string => `id-${position}`;

  test.each([
    ['keeps the epoch of the known log', log, seen, undefined],
    [
      'keeps an epoch that another start has renewed',
      log,
      { ...seen, epochId: 'e1', head: 4, entry: undefined },
      undefined,
    ],
    [
      'keeps it where retention has removed the entry',
      { ...log, trimmed: 8 },
      { ...seen, entry: { position: 8, id: 'x' } },
      undefined,
    ],
    ['renews it where the log is shorter', { ...log, head: 7 }, seen, 7],
    ['renews it where the epoch is unknown', log, { ...seen, epochId: 'e0' }, 9],
    ['renews it where another entry has the position', log, { ...seen, entry: { position: 8, id: 'x' } }, 'none'],
    ['renews it where the log forked below the position', log, { ...seen, epochId: 'e1', head: 5 }, 9],
  ])('%s', (_, held, known, upTo) => {
    const before = renewal(held, { seen: known, origin: 'same', idAt });
    expect(before && (before[0]?.upTo ?? 'none')).toBe(upTo);
  });
});
