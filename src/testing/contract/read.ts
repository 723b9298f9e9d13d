import assert from 'node:assert/strict';
import { systemClock } from '../../core/clock.js';
import type { LogEntry } from '../../core/notification.js';
import type { ReadQuery } from '../../core/store.js';
import {
  appendEach,
  type Bench,
  type Checks,
  idsOf,
  nextAfter,
  positionsOf,
  read,
  readAll,
  stateOf,
  TOPIC,
} from './bench.js';
import { randomNumbers } from './random.js';

/**
 * Names that an engine might misread: names like wildcards, prefixes, and reserved words.
 */
const AWKWARD_TOPICS = [
  'a',
  'A',
  'a.b',
  'a:b',
  'a/b',
  'a-b',
  'ab',
  '~',
  '=',
  '@',
  '__proto__',
  'null',
  'x'.repeat(200),
];

export const readChecks: Checks = {
  'read: an empty log has head 0, trimmed 0 and nothing to read': async ({ store }) => {
    for (const query of [{}, { topics: [] }, { limit: 0 }]) {
      const { entries, more, head, trimmed } = await read(store, query);
      assert.deepEqual(
        { entries: [...entries], more, head, trimmed },
        { entries: [], more: false, head: 0, trimmed: 0 },
      );
    }
  },

  'read: starts strictly after a position': async (bench) => {
    const positions = await appendEach(bench.store, bench.drafts(5));
    for (const [index, after] of [0, ...positions].entries()) {
      const { entries } = await read(bench.store, { after });
      assert.deepEqual(positionsOf(entries), positions.slice(index), `read after ${after}`);
    }
  },

  'read: returns only the requested topics, in the order of the log': async (bench) => {
    const drafts = Array.from({ length: 12 }, (_, index) => bench.draft(['a', 'b', 'c'][(index * index) % 3]));
    await appendEach(bench.store, drafts);
    for (const topics of [['a'], ['b'], ['c'], ['a', 'b'], ['b', 'a'], ['c', 'a'], ['a', 'b', 'c'], ['none', 'b']]) {
      const { entries, more } = await read(bench.store, { topics });
      const expected = drafts.filter(({ topic }) => topics.includes(topic));
      assert.deepEqual(idsOf(entries), idsOf(expected), `read of ${topics.join()}`);
      assert.equal(more, false);
    }
  },

  'read: a topic is matched by its whole name': async (bench) => {
    for (const topic of AWKWARD_TOPICS) await bench.store.append(bench.drafts(2, topic));
    for (const topic of AWKWARD_TOPICS) {
      const { entries } = await read(bench.store, { topics: [topic] });
      assert.deepEqual(
        entries.map((entry) => entry.topic),
        [topic, topic],
      );
    }
    assert.equal((await read(bench.store, { topics: AWKWARD_TOPICS })).entries.length, AWKWARD_TOPICS.length * 2);
  },

  'read: `limit` bounds a page, and `more` is correct when a page is full': async (bench) => {
    await bench.store.append(Array.from({ length: 10 }, (_, index) => bench.draft(index % 2 ? 'odd' : 'even')));
    for (const [limit, count, more] of [
      [1, 1, true],
      [4, 4, true],
      [5, 5, false],
      [6, 5, false],
    ] as const) {
      const page = await read(bench.store, { topics: ['even'], limit });
      assert.deepEqual([page.entries.length, page.more], [count, more], `limit ${limit} of 5 entries`);
    }
  },

  'read: bytesMax bounds a page in bytes of UTF-8, but never below one entry': async (bench) => {
    const texts = ['a', 'ä', '€', '😀'].map((text) => text.repeat(50));
    await bench.store.append(texts.map((text) => bench.draft(TOPIC, text)));
    const sizes = (await readAll(bench.store)).map(({ json }) => utf8(json));
    const sum = (count: number) => sizes.slice(0, count).reduce((total, size) => total + size, 0);
    for (const [bytesMax, count] of [
      [0, 1],
      [1, 1],
      [sum(2) - 1, 1],
      [sum(2), 2],
      [sum(3) - 1, 2],
      [sum(4) - 1, 3],
      [sum(4), 4],
    ] as const) {
      const { entries, more } = await read(bench.store, { bytesMax });
      assert.deepEqual([entries.length, more], [count, count < 4], `bytesMax ${bytesMax} for ${sizes.join()}`);
    }
  },

  'read: limit 0 gives the state of the log only': async (bench) => {
    const positions = await appendEach(bench.store, bench.drafts(2));
    const { entries, head, trimmed } = await read(bench.store, { limit: 0, bytesMax: 0 });
    assert.deepEqual([entries.length, trimmed], [0, 0]);
    assert.ok(head >= (positions[1] ?? Infinity));
  },

  'read: `head` is the newest position of the log for any topics': async (bench) => {
    for (let round = 0; round < 5; round++) {
      const before = await read(bench.store, { topics: ['never-used'] });
      assert.equal(before.entries.length, 0);
      const { appended } = await bench.store.append(bench.drafts(2));
      const [first, last] = positionsOf(appended);
      const after = await read(bench.store, { topics: ['never-used'] });
      assert.ok(first !== undefined && before.head < first, `head was ${before.head} before ${first} was appended`);
      assert.ok(last !== undefined && after.head >= last, `head was ${after.head} after ${last} was appended`);
    }
  },

  'read: nothing follows the head': async (bench) => {
    await bench.store.append(bench.drafts(3));
    const { head } = await stateOf(bench.store);
    for (const after of [head, head + 1, head + 1000, Number.MAX_SAFE_INTEGER]) {
      const page = await read(bench.store, { after });
      assert.deepEqual([page.entries.length, page.more], [0, false], `read after ${after}`);
      assert.ok(page.head >= head && page.head < head + 1000, `a read after ${after} returned the head ${page.head}`);
    }
  },

  'read: a reader that continues from head misses nothing while others append': async (bench) => {
    await assertReaderComplete(bench, (drafts) => bench.store.append(drafts));
  },

  'read: pages of any size equal a filtered copy of the log': async (bench) => {
    const topics = ['a', 'b', 'c', 'd', 'e'];
    const random = randomNumbers(1);
    for (let count = 0; count < 120; count += 4) {
      const some = () => bench.draft(topics[random(topics.length)], 'x'.repeat(random(200)));
      await bench.store.append([some(), some(), some(), some()]);
    }
    const log = await readAll(bench.store, topics);
    assert.equal(log.length, 120);
    for (let round = 0; round < 100; round++) {
      const query: ReadQuery = {
        topics: topics.filter(() => random(2) === 0),
        after: log[random(log.length)]?.position ?? 0,
        limit: 1 + random(30),
        bytesMax: random(6000),
      };
      const { entries, more } = await bench.store.read(query);
      const expected = filtered(log, query);
      assert.deepEqual([idsOf(entries), more], [idsOf(expected.entries), expected.more], JSON.stringify(query));
    }
  },

  'read and tail: JSON is returned byte for byte, with its length in UTF-8': async (bench) => {
    const follower = await bench.follow(0);
    const data = [
      '',
      'ä€😀',
      '\u0000\u2028\u2029\ufeff',
      '"\\\n\r\t',
      "'; --",
      '%00%s{}',
      2 ** 53 - 1,
      -0.1,
      'x'.repeat(300_000),
    ];
    const drafts = data.map((value) => bench.draft(TOPIC, [value, { '': value }]));
    // JSON.stringify would not write this text: a driver must not parse the JSON and serialize it
    // again.
    const draft = bench.draft();
    drafts.push({ ...draft, json: draft.json.replace('null', '{ "a":1.0,"\\u0061":"\\/", "b":1e2,"b":2}') });
    await bench.store.append(drafts.slice(0, 3));
    await bench.store.append(drafts.slice(3));
    const entries = await readAll(bench.store);
    assert.deepEqual(
      entries.map(({ id, topic, json, bytes }) => ({ id, topic, json, bytes })),
      drafts.map((draft) => ({ ...draft, bytes: utf8(draft.json) })),
    );
    await follower.reaches(entries.at(-1)?.position ?? 0);
    follower.assertHanded(entries);
  },
};

/**
 * Reads page after page, each from the head of the previous one, during many concurrent appends.
 */
export async function assertReaderComplete(
  bench: Bench,
  append: (drafts: ReturnType<Bench['drafts']>) => Promise<unknown>,
): Promise<void> {
  const seen: LogEntry[] = [];
  const at = { after: 0, appending: true };
  const readOn = async (): Promise<void> => {
    for (let more = true; more || at.appending;) {
      const page = await read(bench.store, { after: at.after, limit: 7 });
      seen.push(...page.entries);
      ({ more } = page);
      at.after = nextAfter(page, at.after);
      await othersTurn();
    }
  };
  const appendOn = async (): Promise<void> => {
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 10 }, (_, index) => append(bench.drafts(1 + (index % 3)))));
      await othersTurn();
    }
  };
  const stop = (): void => {
    at.appending = false;
  };
  await Promise.all([readOn(), appendOn().finally(stop)]);
  await readOn();
  assert.deepEqual(idsOf(seen), idsOf(await readAll(bench.store)));
}

/** Lets other tasks run, also if the store answers without waiting. */
function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.setImmediate(resolve);
  });
}

function filtered(log: readonly LogEntry[], { topics, after, limit, bytesMax }: ReadQuery) {
  const all = log.filter(({ topic, position }) => topics.includes(topic) && position > after);
  let bytes = 0;
  const cut = all.findIndex(({ json }, index) => {
    bytes += utf8(json);
    return index >= limit || (index > 0 && bytes > bytesMax);
  });
  return cut < 0 ? { entries: all, more: false } : { entries: all.slice(0, cut), more: true };
}

function utf8(text: string): number {
  return new TextEncoder().encode(text).length;
}
