import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import Database from 'libsql';
import type { Store } from '../../src/core/store.js';
import { ASK_AFTER_MS, GIVE_WAY_MS } from '../../src/stores/sqlite/log-access.js';
import { openSqliteStore, temporaryFolder } from '../support/stores/sqlite.js';
import { TimerClock } from '../support/timer-clock.js';
import { draft } from '../support/drafts.js';

const { folder, cleanUp } = temporaryFolder();
afterAll(cleanUp);

/** A process with a clock of its own. */
interface Process {
  readonly store: Store;
  readonly clock: TimerClock;
}

async function startProcess(path: string): Promise<Process> {
  const clock = new TimerClock();
  return { store: await openSqliteStore({ path }, clock), clock };
}

/** The position of an append, while this process retries each millisecond. */
async function positionOf({ clock }: Process, append: ReturnType<Store['append']>): Promise<number | undefined> {
  const state = { isDone: false };
  const done = append.finally(() => (state.isDone = true));
  while (!state.isDone) await clock.advance(1);
  return (await done).appended[0]?.position;
}

/** One process has just committed, and the other one has waited for the lock. */
async function contend(name: string, waitedMs: number) {
  const path = join(folder, `${name}.db`);
  const [busy, waiting] = [await startProcess(path), await startProcess(path)];
  const third = new Database(path);
  await busy.store.append([draft('first')]);
  third.exec('BEGIN IMMEDIATE');
  const waited = waiting.store.append([draft('waited')]);
  await waiting.clock.advance(waitedMs);
  third.exec('ROLLBACK');
  third.close();
  return { busy, waiting, waited };
}

test('a process that has waited for the lock gets it before the process that has just committed', async () => {
  const { busy, waiting, waited } = await contend('asked', ASK_AFTER_MS);
  const next = busy.store.append([draft('next')]);
  expect(await positionOf(waiting, waited)).toBe(2);
  expect(await positionOf(busy, next)).toBe(3);
});

test('a process that has just begun to wait does not delay the process that has just committed', async () => {
  const { busy, waiting, waited } = await contend('waits', ASK_AFTER_MS - 1);
  const { appended } = await busy.store.append([draft('next')]);
  expect(appended[0]?.position).toBe(2);
  expect(await positionOf(waiting, waited)).toBe(3);
});

test('a process that asks and does not take the lock delays others for a bounded time', async () => {
  const { busy, waiting, waited } = await contend('ended', ASK_AFTER_MS);
  const next = busy.store.append([draft('next')]);
  await busy.clock.advance(GIVE_WAY_MS);
  expect((await next).appended[0]?.position).toBe(2);
  expect(await positionOf(waiting, waited)).toBe(3);
});
