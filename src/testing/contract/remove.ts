import assert from 'node:assert/strict';
import type { LogEntry } from '../../core/notification.js';
import type { Removed } from '../../core/removal.js';
import type { HistoryQuery, ReadResult, Store } from '../../core/store.js';
import {
  appendEach,
  type Bench,
  type Checks,
  idsOf,
  positionsOf,
  read,
  readAll,
  RECORD_TOPIC,
  stateOf,
  TOPIC,
} from './bench.js';
import { randomNumbers } from './random.js';
import { above } from './retention.js';

/** The topic that the checks remove. */
export const ERASED = 'users.1';
const OTHER = 'invoices';
export const TOPICS = [TOPIC, ERASED, OTHER];
/** A position beyond every head. */
const NEWEST = Number.MAX_SAFE_INTEGER;

/** More entries than a store removes in one step. */
export const MANY = 1_100;
export const MANY_ARRAY = 275;

/** Removes all entries of a topic. */
export async function remove(store: Store, { topic = ERASED, upTo = NEWEST } = {}): Promise<Removed> {
  const { epoch } = await stateOf(store);
  return store.remove({ topic, upTo, epochId: epoch.id });
}

function history(store: Store, query: Partial<HistoryQuery> = {}): Promise<ReadResult> {
  return store.read({ topics: TOPICS, before: NEWEST, limit: 1000, bytesMax: 2 ** 30, ...query });
}

/** Appends to all topics in turn; the last entry belongs to the topic that will be removed. */
export async function mixedLog(bench: Bench): Promise<LogEntry[]> {
  const topics = [ERASED, TOPIC, ERASED, ERASED, OTHER, TOPIC, ERASED];
  await appendEach(
    bench.store,
    topics.map((topic) => bench.draft(topic)),
  );
  return readAll(bench.store, TOPICS);
}

export const removeChecks: Checks = {
  'remove: no read finds an entry of the topic, and all others stay': async (bench) => {
    const { store } = bench;
    const log = await mixedLog(bench);
    const others = idsOf(log.filter(({ topic }) => topic !== ERASED));
    const removed = await remove(store);
    assert.equal(removed.count, log.length - others.length, 'the result counts the removed entries');
    for (const topics of [[ERASED], TOPICS]) {
      const expected = topics === TOPICS ? others : [];
      for (const { position } of [{ position: 0 }, ...log]) {
        const after = await read(store, { topics, after: position });
        const kept = log.filter((entry) => entry.position > position && expected.includes(entry.id));
        assert.deepEqual(
          [idsOf(after.entries), after.more],
          [idsOf(kept), false],
          `${topics.join()} after ${position}`,
        );
      }
      const { entries, more } = await history(store, { topics });
      assert.deepEqual([idsOf(entries), more], [[...expected].reverse(), false], `the history of ${topics.join()}`);
    }
  },

  'remove: the epoch and trimmed stay, and the head does not move back': async (bench) => {
    const log = await mixedLog(bench);
    const before = await stateOf(bench.store);
    await remove(bench.store);
    for (const state of [
      await stateOf(bench.store),
      await read(bench.store, { topics: TOPICS }),
      await history(bench.store),
    ]) {
      assert.equal(state.epoch.id, before.epoch.id, 'the epoch stays');
      assert.equal(state.trimmed, before.trimmed, 'trimmed stays');
      assert.ok(state.head >= before.head, `the head moved from ${before.head} back to ${state.head}`);
    }
    assert.ok(before.head >= (log.at(-1)?.position ?? Infinity));
  },

  'remove: a position is not assigned again': async (bench) => {
    const log = await mixedLog(bench);
    await remove(bench.store);
    const positions = await appendEach(bench.store, [bench.draft(ERASED), bench.draft()]);
    assert.ok(
      (positions[0] ?? 0) > (log.at(-1)?.position ?? Infinity),
      'an append continues after the removed entries',
    );
    assert.deepEqual(positionsOf(await readAll(bench.store, [ERASED])), positions.slice(0, 1), 'later entries stay');
    await remove(bench.store);
    const { entries } = await read(bench.store, { after: log.at(-1)?.position ?? 0 });
    assert.deepEqual(positionsOf(entries), positions.slice(1));
  },

  'remove: entries above upTo stay': async (bench) => {
    const log = (await mixedLog(bench)).filter(({ topic }) => topic === ERASED);
    const upTo = log[1]?.position ?? 0;
    assert.deepEqual(await remove(bench.store, { upTo }), { count: 2, upTo });
    assert.deepEqual(idsOf(await readAll(bench.store, [ERASED])), idsOf(log.slice(2)));
    const newest = log.at(-1)?.position ?? 0;
    assert.equal((await remove(bench.store, { upTo: newest - 1 })).count, log.length - 3);
    assert.deepEqual(idsOf(await readAll(bench.store, [ERASED])), idsOf(log.slice(-1)));
  },

  'remove: the position of a record divides the entries of calls at the same time': async (bench) => {
    const topics = [ERASED, ERASED, TOPIC, RECORD_TOPIC, ERASED, TOPIC, ERASED];
    for (let round = 0; round < 3; round++) {
      const calls = await Promise.all(topics.map((topic) => bench.store.append([bench.draft(topic)])));
      const upTo = calls[topics.indexOf(RECORD_TOPIC)]?.appended[0]?.position ?? 0;
      const log = await readAll(bench.store, [ERASED, TOPIC]);
      const kept = log.filter(({ topic, position }) => topic !== ERASED || position > upTo);
      assert.deepEqual({ ...(await remove(bench.store, { upTo })) }, { count: log.length - kept.length, upTo });
      assert.deepEqual(idsOf(await readAll(bench.store, [ERASED, TOPIC])), idsOf(kept), `round ${round}`);
    }
  },

  'remove: a position of another epoch removes nothing': async (bench) => {
    const log = await mixedLog(bench);
    const removed = await bench.store.remove({ topic: ERASED, upTo: NEWEST, epochId: 'another-epoch' });
    assert.deepEqual({ ...removed }, { count: 0, upTo: 0 });
    assert.deepEqual(idsOf(await readAll(bench.store, TOPICS)), idsOf(log));
  },

  'remove: a repeated call removes nothing': async (bench) => {
    const { store } = bench;
    assert.deepEqual({ ...(await remove(store)) }, { count: 0, upTo: 0 }, 'in an empty log');
    await mixedLog(bench);
    const { head } = await stateOf(store);
    assert.equal((await remove(store)).upTo, head, 'upTo is the head');
    for (const topic of [ERASED, 'none']) {
      const { count, upTo } = await remove(store, { topic });
      assert.deepEqual([count, upTo >= head], [0, true], topic);
    }
  },

  'remove: a topic is matched by its whole name': async (bench) => {
    const names = [ERASED, `${ERASED}.inbox`, `${ERASED}0`, 'users', 'Users.1', 'users:1', '$users.1'];
    await bench.store.append(names.map((topic) => bench.draft(topic)));
    assert.equal((await remove(bench.store)).count, 1);
    for (const topic of names) {
      assert.equal((await readAll(bench.store, [topic])).length, topic === ERASED ? 0 : 1, topic);
    }
  },

  'remove: entries of an array on other topics stay, also if a read starts within the array': async (bench) => {
    const { store } = bench;
    const orders = [
      [ERASED, TOPIC, OTHER],
      [TOPIC, ERASED, OTHER],
      [TOPIC, OTHER, ERASED],
      [TOPIC, ERASED, TOPIC, ERASED],
      [ERASED, ERASED],
      [OTHER, TOPIC, OTHER, ERASED],
    ];
    for (const topics of orders) await store.append(topics.map((topic) => bench.draft(topic)));
    const log = await readAll(store, TOPICS);
    const kept = log.filter(({ topic }) => topic !== ERASED);
    await remove(store);
    for (const [at, { position }] of log.entries()) {
      const forward = await readAll(store, TOPICS, position);
      assert.deepEqual(positionsOf(forward), above(position, positionsOf(kept)), `after entry ${at}`);
      const { entries } = await history(store, { before: position });
      const below = positionsOf(kept).filter((one) => one < position);
      assert.deepEqual(positionsOf(entries), below.reverse(), `before entry ${at}`);
    }
  },

  'remove: a tail from an older position delivers the other entries without a gap': async (bench) => {
    const log = await mixedLog(bench);
    await remove(bench.store);
    const kept = log.filter(({ topic }) => topic !== ERASED);
    for (const after of [0, log[0]?.position ?? 0, log[2]?.position ?? 0]) {
      const follower = await bench.follow(after);
      await follower.reaches(log.at(-1)?.position ?? 0);
      follower.assertHanded(kept.filter(({ position }) => position > after));
      await follower.close();
    }
  },

  'remove: an open tail continues': async (bench) => {
    const follower = await bench.follow(0);
    const log = await mixedLog(bench);
    await follower.reaches(log.at(-1)?.position ?? 0);
    await remove(bench.store);
    await bench.store.append([bench.draft(), bench.draft(ERASED)]);
    const later = await readAll(bench.store, TOPICS, log.at(-1)?.position);
    await follower.reaches(later.at(-1)?.position ?? 0);
    follower.assertHanded([...log, ...later]);
  },

  'remove: an append of a removed id is a duplicate or a new entry': async (bench) => {
    const draft = bench.draft(ERASED);
    const [first] = (await bench.store.append([draft])).appended;
    await bench.store.append([bench.draft()]);
    const { head } = await stateOf(bench.store);
    await remove(bench.store);
    const [again] = (await bench.store.append([draft])).appended;
    const entries = await readAll(bench.store, [ERASED]);
    if (again?.duplicate) {
      assert.equal(again.position, first?.position, 'a duplicate has the first position');
      assert.deepEqual(idsOf(entries), [], 'a duplicate is not appended');
    } else {
      assert.ok((again?.position ?? 0) > head, 'a new entry has a new position');
      assert.deepEqual(idsOf(entries), [draft.id]);
    }
  },

  'remove: removes any number of entries while others append': async (bench) => {
    const { store } = bench;
    for (let count = 0; count < MANY; count += MANY_ARRAY) {
      await store.append([...bench.drafts(MANY_ARRAY, ERASED), bench.draft()]);
    }
    const { head } = await stateOf(store);
    const removing = remove(store, { upTo: head });
    const added: string[] = [];
    for (let round = 0; round < 5; round++) {
      added.push(...idsOf((await store.append([bench.draft(), bench.draft(ERASED)])).appended));
    }
    assert.deepEqual(await removing, { count: MANY, upTo: head });
    const kept = await readAll(store, [TOPIC, ERASED]);
    assert.equal(kept.length, MANY / MANY_ARRAY + added.length);
    assert.deepEqual(idsOf(kept).slice(-added.length), added);
  },

  'remove: random appends, reads and removals have the same results as on a plain list': async (bench) => {
    const { store } = bench;
    const random = randomNumbers(3);
    let log: LogEntry[] = [];
    const ends: number[] = [0];
    const pick = (): string => TOPICS[random(TOPICS.length)] ?? TOPIC;
    for (let call = 0; call < 60; call++) {
      const from = log[random(log.length + 1)]?.position ?? 0;
      if (random(5) === 0) {
        const topic = pick();
        const upTo = random(2) ? NEWEST : (ends[random(ends.length)] ?? 0);
        const isKept = (entry: LogEntry): boolean => entry.topic !== topic || entry.position > upTo;
        const { count } = await remove(store, { topic, upTo });
        assert.equal(count, log.filter((entry) => !isKept(entry)).length, `call ${call}`);
        log = log.filter(isKept);
      } else {
        const { head } = await stateOf(store);
        await store.append(Array.from({ length: 1 + random(4) }, () => bench.draft(pick())));
        log.push(...(await readAll(store, TOPICS, head)));
        ends.push(log.at(-1)?.position ?? 0);
      }
      assert.deepEqual(idsOf(await readAll(store, TOPICS, from)), idsOf(log.filter(({ position }) => position > from)));
      const backward = await history(store, { before: from });
      assert.deepEqual(idsOf(backward.entries), idsOf(log.filter(({ position }) => position < from)).reverse());
    }
  },
};

/** For stores with an index of patterns. */
export const removePatternChecks: Checks = {
  'remove: no read of a pattern finds an entry of the topic, and all others stay': async (bench) => {
    const { store } = bench;
    assert.ok(store.indexPatterns, 'a store with the ability indexPatterns has the method indexPatterns');
    await store.indexPatterns(['users.*', '*']);
    const log = await mixedLog(bench);
    const kept = await appendEach(store, [bench.draft('users.10'), bench.draft(`${ERASED}.x`)]);
    const { count } = await remove(store);
    assert.equal(count, log.filter(({ topic }) => topic === ERASED).length);
    for (const [pattern, expected] of [
      ['users.*', kept],
      ['*', [...positionsOf(log.filter(({ topic }) => topic !== ERASED)), ...kept]],
    ] as const) {
      assert.deepEqual(positionsOf(await readAll(store, [pattern])), expected, pattern);
      const { entries } = await history(store, { topics: [pattern] });
      assert.deepEqual(positionsOf(entries), [...expected].reverse(), `the history of ${pattern}`);
    }
  },
};
