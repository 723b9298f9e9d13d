import { describe, expect, test } from '@jest/globals';
import type { ReadResult, Store } from '../../src/core/store.js';
import { memoryStore, type MemoryStoreOptions } from '../../src/stores/memory/memory-store.js';
import { ManualClock } from '../../src/testing/index.js';
import { draft, drafts } from '../support/drafts.js';
import { openMemoryStore } from '../support/memory.js';

const HOUR_MS = 3_600_000;

/** Bytes of a draft of these tests; ids have two characters. */
const BYTES = draft('n1').json.length;

async function kept(store: Store): Promise<Pick<ReadResult, 'head' | 'trimmed'> & { ids: string[] }> {
  const { entries, head, trimmed } = await store.read({ topics: ['orders'], after: 0, limit: 1000, bytesMax: 2 ** 30 });
  return { ids: entries.map(({ id }) => id), head, trimmed };
}

/** Whether the ids, appended again, are recognised. */
async function recognised(store: Store, ids: readonly string[]): Promise<boolean[]> {
  const { appended } = await store.append(ids.map((id) => draft(id)));
  return appended.map(({ duplicate }) => duplicate);
}

describe('retention', () => {
  test('by count keeps the newest', async () => {
    const store = await openMemoryStore({ retainCount: 3 });
    await store.append(drafts(3));
    expect(await kept(store)).toEqual({ ids: ['n1', 'n2', 'n3'], head: 3, trimmed: 0 });
    await store.append(drafts(2, 'o'));
    expect(await kept(store)).toEqual({ ids: ['n3', 'o1', 'o2'], head: 5, trimmed: 2 });
  });

  test('by bytes keeps the newest notifications that fit', async () => {
    const store = await openMemoryStore({ retainBytes: 3 * BYTES + 10 });
    await store.append(drafts(3));
    expect((await kept(store)).trimmed).toBe(0);
    await store.append([draft('o1', { data: 'x'.repeat(2 * BYTES) })]);
    expect(await kept(store)).toEqual({ ids: ['o1'], head: 4, trimmed: 3 });
  });

  test('drops a notification larger than `retainBytes`, but tails receive it', async () => {
    const store = await openMemoryStore({ retainBytes: 2 * BYTES });
    const handed: string[] = [];
    await store.tail(0, ({ entries }) => handed.push(...entries.map(({ id }) => id)));
    await store.append([draft('n1'), draft('big', { data: 'x'.repeat(3 * BYTES) })]);
    expect(await kept(store)).toEqual({ ids: [], head: 2, trimmed: 2 });
    expect(handed).toEqual(['n1', 'big']);
  });

  test('by age, measured on the clock that does not jump', async () => {
    const clock = new ManualClock();
    const store = await openMemoryStore({ retainMs: 1000 }, clock);
    await store.append([draft('n1')]);
    await clock.advance(400);
    await store.append([draft('n2')]);
    clock.jump(HOUR_MS);
    await clock.advance(599);
    expect((await kept(store)).ids).toEqual(['n1', 'n2']);
    await clock.advance(1);
    expect(await kept(store)).toEqual({ ids: ['n2'], head: 2, trimmed: 1 });
    clock.jump(-2 * HOUR_MS);
    await clock.advance(400);
    expect(await kept(store)).toEqual({ ids: [], head: 2, trimmed: 2 });
    await store.append([draft('n3')]);
    expect(await kept(store)).toEqual({ ids: ['n3'], head: 3, trimmed: 2 });
  });

  test('needs no timer', async () => {
    const clock = new ManualClock();
    const store = await openMemoryStore({ retainMs: 1000 }, clock);
    await store.append(drafts(3));
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends at the bound that is reached first', async () => {
    const clock = new ManualClock();
    const store = await openMemoryStore({ retainCount: 4, retainMs: 1000, retainBytes: 3 * BYTES }, clock);
    await store.append(drafts(9));
    expect((await kept(store)).ids).toEqual(['n7', 'n8', 'n9']);
    await clock.advance(1000);
    expect((await kept(store)).ids).toEqual([]);
  });
});

describe('idempotency', () => {
  test('recognises an id until its window has passed', async () => {
    const clock = new ManualClock();
    const store = await openMemoryStore({ idempotencyMs: 1000 }, clock);
    await store.append([draft('n1')]);
    await clock.advance(999);
    expect(await recognised(store, ['n1'])).toEqual([true]);
    await clock.advance(1);
    expect(await recognised(store, ['n1'])).toEqual([false]);
    expect(await kept(store)).toMatchObject({ ids: ['n1', 'n1'], head: 2 });
  });

  test.each([1, 2, 5])('recognises the last %i ids', async (idempotencyCount) => {
    const store = await openMemoryStore({ idempotencyCount });
    for (const each of drafts(6)) await store.append([each]);
    const last = drafts(6).slice(-idempotencyCount);
    expect(
      await recognised(
        store,
        last.map(({ id }) => id),
      ),
    ).toEqual(last.map(() => true));
  });

  test('forgets the oldest ids beyond their number', async () => {
    const store = await openMemoryStore({ idempotencyCount: 3 });
    for (const each of drafts(6)) await store.append([each]);
    expect(await recognised(store, ['n1'])).toEqual([false]);
  });

  test('recognises an id whose notification has been removed', async () => {
    const store = await openMemoryStore({ retainCount: 1 });
    await store.append(drafts(3));
    const { appended } = await store.append([draft('n1')]);
    expect(appended).toEqual([{ id: 'n1', position: 1, duplicate: true }]);
    expect((await kept(store)).ids).toEqual(['n3']);
  });

  test('is not extended by a repeat', async () => {
    const clock = new ManualClock();
    const store = await openMemoryStore({ idempotencyMs: 1000 }, clock);
    await store.append([draft('n1')]);
    await clock.advance(600);
    await recognised(store, ['n1']);
    await clock.advance(400);
    expect(await recognised(store, ['n1'])).toEqual([false]);
  });
});

describe('options', () => {
  const names = ['retainCount', 'retainMs', 'retainBytes', 'idempotencyMs', 'idempotencyCount', 'claimCount'];

  test.each(names.flatMap((name) => [0, -1, 1.5, NaN, Infinity, 2 ** 53, '5', null].map((value) => [name, value])))(
    '%s: %p is rejected, and the message names the option',
    (name, value) => {
      expect(() => memoryStore({ [name as string]: value } as MemoryStoreOptions)).toThrow(
        new RangeError(`memoryStore: option ${name} is ${shown(value)}; it must be a whole number of at least 1`),
      );
    },
  );

  test.each(names)('%s may be 1', (name) => {
    expect(() => memoryStore({ [name]: 1 })).not.toThrow();
  });

  test('have their defaults if they are undefined', () => {
    expect(() => memoryStore({ retainCount: undefined, claimCount: undefined })).not.toThrow();
  });

  test.each(['retain', 'toString'])('%s is unknown', (name) => {
    expect(() => memoryStore({ [name]: 1 } as MemoryStoreOptions)).toThrow(`memoryStore: there is no option ${name}`);
  });
});

test('a restart is a new epoch and an empty log', async () => {
  const factory = memoryStore();
  const open = () => factory({ clock: new ManualClock(), logger: { warn: () => undefined, error: () => undefined } });
  const [before, after] = [await open(), await open()];
  await before.append(drafts(2));
  const state = { topics: ['orders'], after: 0, limit: 10, bytesMax: 1000 };
  const [one, other] = [await before.read(state), await after.read(state)];
  expect(other).toMatchObject({ entries: [], head: 0, trimmed: 0 });
  expect(other.epoch.id).not.toBe(one.epoch.id);
  expect(other.epoch.secret).not.toBe(one.epoch.secret);
});

function shown(value: unknown): string {
  return typeof value === 'string' ? `the string "${value}"` : String(value);
}
