import assert from 'node:assert/strict';
import type { Store, Tail } from '../../core/store.js';
import { appendEach, type Bench, type Checks, idsOf, logOf, readAll, stateOf, TOPIC } from './bench.js';
import type { Follower } from './follower.js';

const TOPICS = [TOPIC, 'invoices'];

export const tailChecks: Checks = {
  'tail: delivers appends of every topic once it is armed': async (bench) => {
    const follower = await bench.follow(0);
    await bench.store.append([bench.draft(TOPIC), bench.draft('invoices')]);
    await assertComplete(bench, [follower]);
  },

  'tail: from a position in the past, delivers existing entries and then new ones': async (bench) => {
    const positions = await appendEach(bench.store, bench.drafts(5));
    const followers = await Promise.all([0, ...positions].map((after) => bench.follow(after)));
    await bench.store.append(bench.drafts(3));
    await appendEach(bench.store, bench.drafts(3));
    await assertComplete(bench, followers, [0, ...positions]);
  },

  'tail: does not deliver older entries when it starts at the head': async (bench) => {
    await bench.store.append(bench.drafts(5));
    const { head } = await stateOf(bench.store);
    const follower = await bench.follow(head);
    await bench.store.append(bench.drafts(2));
    await assertComplete(bench, [follower], [head]);
  },

  'tail: loses and repeats nothing when it opens while others append': async (bench) => {
    const appending = Array.from({ length: 10 }, () => appendEach(bench.store, bench.drafts(10)));
    const followers: Follower[] = [];
    for (let round = 0; round < 10; round++) followers.push(await bench.follow(0));
    await Promise.all(appending);
    await assertComplete(bench, followers);
  },

  'tail: delivers every later entry when it starts at the head during appends': async (bench) => {
    const appending = Array.from({ length: 10 }, () => appendEach(bench.store, bench.drafts(10)));
    const heads: number[] = [];
    const followers: Follower[] = [];
    for (let round = 0; round < 10; round++) {
      const { head } = await stateOf(bench.store);
      heads.push(head);
      followers.push(await bench.follow(head));
    }
    await Promise.all(appending);
    await assertComplete(bench, followers, heads);
  },

  'tail: delivers batches with the same epoch as reads': async (bench) => {
    const follower = await bench.follow(0);
    await bench.store.append(bench.drafts(2));
    await assertComplete(bench, [follower]);
    const state = await stateOf(bench.store);
    for (const batch of follower.batches) assert.deepEqual(logOf(batch), logOf(state));
  },

  'tail: several tails are independent, even with the same callback': async (bench) => {
    const [closing, staying] = [await bench.follow(0), await bench.follow(0)];
    let calls = 0;
    const count = (): void => {
      calls++;
    };
    const one = await bench.store.tail(0, count);
    await bench.store.tail(0, count);
    await bench.store.append([bench.draft()]);
    await assertComplete(bench, [closing, staying]);
    await closing.close();
    await one.close();
    const callsBefore = calls;
    await bench.store.append([bench.draft()]);
    await assertComplete(bench, [staying]);
    assert.ok(calls > callsBefore, 'the other tail of the same function continues');
  },

  'tail: the callback is not called again after `close` of the tail has resolved': async (bench) => {
    const [closing, staying] = [await bench.follow(0), await bench.follow(0)];
    await bench.store.append(bench.drafts(2));
    await closing.close();
    const { length } = closing.batches;
    await bench.store.append(bench.drafts(2));
    await assertComplete(bench, [staying]);
    assert.equal(closing.batches.length, length);
    await closing.close();
  },

  'tail: the callback is not called again after the store has closed': async (bench) => {
    const follower = await bench.follow(0);
    const appending = appendEach(bench.store, bench.drafts(20)).catch(() => undefined);
    await bench.store.close();
    const { length } = follower.batches;
    await appending;
    assert.equal(follower.batches.length, length);
  },

  'tail: can be opened and closed in the callback of another tail': async (bench) => {
    const opened: Promise<Follower>[] = [];
    const first: { tail?: Tail } = {};
    first.tail = await bench.store.tail(0, () => {
      if (opened.length === 0) opened.push(bench.follow(0), bench.follow(0));
      void first.tail?.close();
    });
    const other = await bench.follow(0);
    await bench.store.append(bench.drafts(2));
    await other.reaches((await stateOf(bench.store)).head);
    await bench.store.append(bench.drafts(2));
    await assertComplete(bench, [other, ...(await Promise.all(opened))]);
  },

  'tail: an append in a callback reaches all tails in order': async (bench) => {
    const before = await bench.follow(0);
    const inner = await appendFromTail(bench.store, bench);
    const after = await bench.follow(0);
    await bench.store.append([bench.draft()]);
    await bench.soon('an append in the callback of a tail', inner.appended);
    await assertComplete(bench, [before, after]);
    await inner.tail.close();
  },
};

/** A tail that appends once, when it receives its first batch. */
async function appendFromTail(store: Store, bench: Bench): Promise<{ tail: Tail; appended: Promise<unknown> }> {
  let call: (() => void) | undefined;
  const appended = new Promise<unknown>((resolve) => {
    call = () => {
      resolve(store.append([bench.draft()]));
    };
  });
  const tail = await store.tail(0, () => {
    const once = call;
    call = undefined;
    once?.();
  });
  return { tail, appended };
}

/**
 * Waits until the tails reach the end of the log. Compares their entries with the entries that a
 * reader receives from the same positions.
 */
export async function assertComplete(
  bench: Bench,
  followers: readonly Follower[],
  starts: readonly number[] = [],
  store = bench.store,
): Promise<void> {
  // The last entry ends the wait. It also shows whether earlier entries arrived late or twice.
  const { appended } = await store.append([bench.draft()]);
  const entries = await readAll(store, TOPICS);
  assert.equal(entries.at(-1)?.id, idsOf(appended)[0]);
  for (const [index, follower] of followers.entries()) {
    await follower.reaches(appended[0]?.position ?? 0);
    follower.assertHanded(entries.filter(({ position }) => position > (starts[index] ?? 0)));
  }
}
