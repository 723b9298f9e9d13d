import assert from 'node:assert/strict';
import type { AppendResult, Store } from '../../core/store.js';
import { type Bench, type Checks, idsOf, logOf, positionsOf, readAll, stateOf, TOPIC } from './bench.js';

const TOPICS = [TOPIC, 'invoices', 'users'] as const;
/**
 * The number of concurrent appends, and of drafts in each. An engine without transactions would mix
 * their drafts.
 */
const APPENDS = 50;
const DRAFTS = 4;

export const appendChecks: Checks = {
  'append: positions are safe integers above 0 and strictly increasing': async (bench) => {
    let last = 0;
    for (const count of [1, 3, 1, 20, 2]) {
      for (const { position } of (await bench.store.append(bench.drafts(count))).appended) {
        assert.ok(Number.isSafeInteger(position), `${position} is not a safe integer`);
        assert.ok(position > last, `${position} follows ${last}`);
        last = position;
      }
    }
  },

  'append: returns one result per draft, in the order of the drafts': async (bench) => {
    const drafts = bench.drafts(20);
    const { appended } = await bench.store.append(drafts);
    assert.deepEqual(idsOf(appended), idsOf(drafts));
    assert.deepEqual([...new Set(appended.map(({ duplicate }) => duplicate))], [false]);
  },

  'append: acknowledged notifications can be read at their positions': async (bench) => {
    for (let round = 0; round < 10; round++) {
      const { appended } = await bench.store.append(bench.drafts(2));
      const read = (await readAll(bench.store)).slice(-2);
      assert.deepEqual(idsOf(read), idsOf(appended));
      assert.deepEqual(positionsOf(read), positionsOf(appended));
      const { head } = await stateOf(bench.store);
      assert.ok(head >= (appended[1]?.position ?? Infinity), 'head includes what was acknowledged');
    }
  },

  'append: returns the same epoch as a read': async (bench) => {
    const { epoch } = await bench.store.append([bench.draft()]);
    assert.deepEqual(logOf({ epoch }), logOf(await stateOf(bench.store)));
  },

  'append: the drafts of an array are next to each other, in their order': async (bench) => {
    await bench.store.append([bench.draft()]);
    const drafts = TOPICS.flatMap((topic) => bench.drafts(2, topic));
    await bench.store.append(drafts);
    await bench.store.append([bench.draft()]);
    assert.deepEqual(idsOf(await readAll(bench.store, TOPICS)).slice(1, -1), idsOf(drafts));
  },

  'append: arrays of concurrent appends do not mix, and all readers see one order': async (bench) => {
    const follower = await bench.follow(0);
    await assertArraysWhole(bench, [bench.store]);
    const entries = await readAll(bench.store, TOPICS);
    assert.equal(entries.length, APPENDS * DRAFTS);
    await follower.reaches(entries.at(-1)?.position ?? 0);
    follower.assertHanded(entries);
  },

  'append: returns the first position for a repeated id, and appends nothing': async (bench) => {
    const [first, other] = [bench.draft(), bench.draft()];
    const before = await bench.store.append([first, other]);
    const again = await bench.store.append([{ ...first, topic: 'invoices', json: bench.draft('invoices').json }]);
    assertDuplicate(before, again, 0);
    assert.deepEqual(idsOf(await readAll(bench.store, TOPICS)), idsOf([first, other]));
  },

  'append: an array may hold old ids and new ones': async (bench) => {
    const old = bench.drafts(2);
    const before = await bench.store.append(old);
    const [a, b] = [bench.draft(), bench.draft()];
    const { appended } = await bench.store.append([a, ...old, b]);
    assert.deepEqual(idsOf(appended), idsOf([a, ...old, b]));
    assert.deepEqual(
      appended.map(({ duplicate }) => duplicate),
      [false, true, true, false],
    );
    assert.deepEqual(positionsOf(appended.slice(1, 3)), positionsOf(before.appended));
    assert.deepEqual(idsOf(await readAll(bench.store)), idsOf([...old, a, b]));
  },

  'append: an id that an array repeats is appended once': async (bench) => {
    const [draft, other] = [bench.draft(), bench.draft()];
    const { appended } = await bench.store.append([draft, other, draft]);
    assert.deepEqual(
      appended.map(({ duplicate }) => duplicate),
      [false, false, true],
    );
    assert.equal(appended[2]?.position, appended[0]?.position);
    assert.deepEqual(idsOf(await readAll(bench.store)), idsOf([draft, other]));
  },

  'append: an id in several concurrent appends is appended once': async (bench) => {
    await assertAppendedOnce(bench, [bench.store]);
  },

  'append: tails do not receive an id that is appended again': async (bench) => {
    const follower = await bench.follow(0);
    const draft = bench.draft();
    await bench.store.append([draft]);
    await bench.store.append([draft]);
    const { appended } = await bench.store.append([draft, bench.draft()]);
    await follower.reaches(appended[1]?.position ?? 0);
    follower.assertHanded(await readAll(bench.store));
  },

  'append: ids that differ in any character are different ids': async (bench) => {
    const ids = ['a', 'A', 'a.', 'a:', 'a/', '0', '00', '1e0', '1', '__proto__', 'constructor', 'a'.repeat(200)];
    const drafts = ids.map((id) => bench.draft(undefined, null, id));
    for (const draft of drafts) await bench.store.append([draft]);
    const { appended } = await bench.store.append(drafts);
    assert.deepEqual([...new Set(appended.map(({ duplicate }) => duplicate))], [true]);
    assert.deepEqual(idsOf(await readAll(bench.store)), ids);
  },
};

/**
 * Appends many arrays at once through all stores, while others read. No reader may see a part of an
 * array.
 */
export async function assertArraysWhole(bench: Bench, stores: readonly Store[]): Promise<void> {
  const arrays = Array.from({ length: APPENDS }, (_, index) =>
    Array.from({ length: DRAFTS }, (_, at) => bench.draft(TOPICS[(index + at) % TOPICS.length])),
  );
  const arrayOf = new Map(arrays.flatMap((drafts) => drafts.map(({ id }) => [id, drafts] as const)));
  const appends = arrays.map((drafts, index) => storeOf(stores, index).append(drafts));
  const reads = arrays.map((_, index) => readAll(storeOf(stores, index + 1), TOPICS));
  await Promise.all(appends);
  for (const entries of [...(await Promise.all(reads)), await readAll(storeOf(stores, 0), TOPICS)]) {
    assert.equal(entries.length % DRAFTS, 0, 'a read shows all of an array or none of it');
    for (let at = 0; at < entries.length; at += DRAFTS) {
      const drafts = arrayOf.get(entries[at]?.id ?? '') ?? [];
      assert.deepEqual(idsOf(entries.slice(at, at + DRAFTS)), idsOf(drafts), 'arrays do not mix');
    }
  }
}

/** Appends one id many times at once through all stores. */
export async function assertAppendedOnce(bench: Bench, stores: readonly Store[]): Promise<void> {
  const draft = bench.draft();
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) => storeOf(stores, index).append([draft, bench.draft()])),
  );
  const answers = results.flatMap(({ appended }) => appended.slice(0, 1));
  assert.equal(new Set(positionsOf(answers)).size, 1, 'every append of the id returns the same position');
  assert.equal(
    answers.filter(({ duplicate }) => !duplicate).length,
    1,
    'exactly one append of the id is not a duplicate',
  );
  const entries = await readAll(storeOf(stores, 0));
  assert.deepEqual(positionsOf(entries.filter(({ id }) => id === draft.id)), [answers[0]?.position]);
  assert.equal(entries.length, 1 + results.length);
}

function storeOf(stores: readonly Store[], index: number): Store {
  const store = stores[index % stores.length];
  assert.ok(store);
  return store;
}

function assertDuplicate(before: AppendResult, again: AppendResult, index: number): void {
  const { id, position } = before.appended[index] ?? {};
  assert.deepEqual(
    again.appended.map((appended) => ({ ...appended })),
    [{ id, position, duplicate: true }],
  );
  assert.deepEqual(logOf(again), logOf(before));
}
