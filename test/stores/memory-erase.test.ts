import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import type { Store } from '../../src/core/store.js';
import { drafts } from '../support/drafts.js';
import { openMemoryStore } from '../support/memory.js';

/** More entries than a store removes in one step. */
const MANY = 12_000;

/** Runs a removal, and counts the turns of the event loop meanwhile. */
async function turnsDuring(removing: Promise<unknown>): Promise<number> {
  let [turns, isRunning] = [0, true];
  const turn = (): void => {
    turns++;
    if (isRunning) systemClock.setImmediate(turn);
  };
  systemClock.setImmediate(turn);
  await removing;
  isRunning = false;
  return turns;
}

async function open(): Promise<{ store: Store; epochId: string }> {
  const store = await openMemoryStore({}, systemClock);
  const { epoch } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
  return { store, epochId: epoch.id };
}

test('a large removal lets other work run between its parts, and keeps what is appended meanwhile', async () => {
  const { store, epochId } = await open();
  await store.append(drafts(MANY));
  const removing = store.remove({ topic: 'orders', upTo: Number.MAX_SAFE_INTEGER, epochId });
  await store.append(drafts(1, 'later'));
  expect(await turnsDuring(removing)).toBeGreaterThan(0);
  expect(await removing).toEqual({ count: MANY, upTo: MANY });
  const { entries } = await store.read({ topics: ['orders'], after: 0, limit: 10, bytesMax: 2 ** 20 });
  expect(entries.map(({ id }) => id)).toEqual(['later1']);
});

test('many small removals let other work run', async () => {
  const { store, epochId } = await open();
  const removeAll = async (): Promise<void> => {
    for (let at = 0; at < MANY; at++) await store.remove({ topic: `t${at}`, upTo: 1, epochId });
  };
  expect(await turnsDuring(removeAll())).toBeGreaterThan(0);
});
