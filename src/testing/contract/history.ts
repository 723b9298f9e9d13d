import assert from 'node:assert/strict';
import { systemClock } from '../../core/clock.js';
import type { LogEntry } from '../../core/notification.js';
import type { HistoryQuery, ReadResult, Store } from '../../core/store.js';
import { appendEach, type Checks, idsOf, positionsOf, read, readAll, stateOf, TOPIC } from './bench.js';
import { randomNumbers } from './random.js';
import { trimmedLog } from './retention.js';

/** A position beyond every head. */
const NEWEST = Number.MAX_SAFE_INTEGER;
const OTHER = 'invoices';

/** One page before a position; bounds that the query omits are unlimited. */
function history(store: Store, query: Partial<HistoryQuery> = {}): Promise<ReadResult> {
  return store.read({ topics: [TOPIC], before: NEWEST, limit: 1000, bytesMax: 2 ** 30, ...query });
}

export const historyChecks: Checks = {
  'history: an empty log has no history': async ({ store }) => {
    for (const query of [{}, { topics: [] }, { limit: 0 }, { before: 0 }, { before: 1 }]) {
      const { entries, more, head, trimmed } = await history(store, query);
      assert.deepEqual(
        { entries: [...entries], more, head, trimmed },
        { entries: [], more: false, head: 0, trimmed: 0 },
      );
    }
  },

  'history: starts strictly before a position, newest first': async (bench) => {
    const positions = await appendEach(bench.store, bench.drafts(5));
    for (const [index, before] of [...positions, NEWEST].entries()) {
      const { entries, more } = await history(bench.store, { before });
      assert.deepEqual(positionsOf(entries), positions.slice(0, index).reverse(), `read before ${before}`);
      assert.equal(more, false, `read before ${before}`);
    }
  },

  'history: a read from a position beyond the head begins at the head': async (bench) => {
    await bench.store.append(bench.drafts(3));
    const { head } = await stateOf(bench.store);
    const newest = await history(bench.store);
    assert.equal(newest.entries.length, 3);
    for (const before of [head + 1, head + 1000, NEWEST]) {
      const page = await history(bench.store, { before, limit: 2 });
      assert.deepEqual([idsOf(page.entries), page.more], [idsOf(newest.entries.slice(0, 2)), true], `before ${before}`);
      assert.ok(page.head >= head && page.head < head + 1000, `a read before ${before} returned the head ${page.head}`);
    }
  },

  'history: returns only the requested topics, merged, newest first': async (bench) => {
    const drafts = Array.from({ length: 12 }, (_, index) => bench.draft(['a', 'b', 'c'][(index * index) % 3]));
    await appendEach(bench.store, drafts);
    for (const topics of [['a'], ['b'], ['c'], ['a', 'b'], ['b', 'a'], ['a', 'b', 'c'], ['none', 'b'], ['none']]) {
      const { entries, more } = await history(bench.store, { topics });
      const expected = drafts.filter(({ topic }) => topics.includes(topic)).reverse();
      assert.deepEqual(idsOf(entries), idsOf(expected), `history of ${topics.join()}`);
      assert.equal(more, false);
    }
  },

  'history: `limit` bounds a page, and `more` is correct when a page is full': async (bench) => {
    await bench.store.append(Array.from({ length: 10 }, (_, index) => bench.draft(index % 2 ? 'odd' : 'even')));
    for (const [limit, count, more] of [
      [0, 0, false],
      [1, 1, true],
      [4, 4, true],
      [5, 5, false],
      [6, 5, false],
    ] as const) {
      const page = await history(bench.store, { topics: ['odd'], limit });
      assert.deepEqual([page.entries.length, page.more], [count, more], `limit ${limit} of 5 entries`);
    }
  },

  'history: bytesMax bounds a page in bytes of UTF-8, but never below one entry': async (bench) => {
    const texts = ['a', 'ä', '€', '😀'].map((text) => text.repeat(50));
    await bench.store.append(texts.map((text) => bench.draft(TOPIC, text)));
    const sizes = (await readAll(bench.store)).map(({ bytes }) => bytes).reverse();
    const sum = (count: number) => sizes.slice(0, count).reduce((total, size) => total + size, 0);
    for (const [bytesMax, count] of [
      [0, 1],
      [1, 1],
      [sum(2) - 1, 1],
      [sum(2), 2],
      [sum(4) - 1, 3],
      [sum(4), 4],
    ] as const) {
      const { entries, more } = await history(bench.store, { bytesMax });
      assert.deepEqual([entries.length, more], [count, count < 4], `bytesMax ${bytesMax} for ${sizes.join()}`);
    }
  },

  'history: has the same entries, epoch and trimmed as a read after a position': async (bench) => {
    await bench.store.append([bench.draft(TOPIC, '"\\\u0000\u2028ä€😀'), bench.draft(OTHER), bench.draft()]);
    const topics = [TOPIC, OTHER];
    const forward = await read(bench.store, { topics });
    const backward = await history(bench.store, { topics });
    assert.deepEqual(backward.entries.map(plain), forward.entries.map(plain).reverse());
    assert.deepEqual([backward.epoch.id, backward.trimmed], [forward.epoch.id, forward.trimmed]);
  },

  'history: pages of any size equal a filtered copy of the log': async (bench) => {
    const topics = ['a', 'b', 'c', 'd', 'e'];
    const random = randomNumbers(2);
    for (let count = 0; count < 120; count += 4) {
      // The newest entries are on two topics, the oldest entries on other topics.
      const some = () => bench.draft(topics[(random(2) + Math.floor(count / 30)) % 5], 'x'.repeat(random(200)));
      await bench.store.append([some(), some(), some(), some()]);
    }
    const log = await readAll(bench.store, topics);
    assert.equal(log.length, 120);
    for (let round = 0; round < 100; round++) {
      const query: HistoryQuery = {
        topics: topics.filter(() => random(2) === 0),
        before: random(8) === 0 ? NEWEST : (log[random(log.length)]?.position ?? 0) + random(2),
        limit: 1 + random(30),
        bytesMax: random(6000),
      };
      const { entries, more } = await bench.store.read(query);
      const expected = filtered(log, query);
      assert.deepEqual([idsOf(entries), more], [idsOf(expected.entries), expected.more], JSON.stringify(query));
    }
  },

  'history: a walk to the beginning has every entry once, while others append': async (bench) => {
    await bench.store.append([...bench.drafts(40), ...bench.drafts(10, OTHER)]);
    const { head } = await stateOf(bench.store);
    const log = await readAll(bench.store, [TOPIC, OTHER]);
    const at = { walking: true };
    const appendOn = async (): Promise<void> => {
      while (at.walking) {
        await bench.store.append(bench.drafts(2));
        await othersTurn();
      }
    };
    const appending = appendOn();
    const seen = await walk(bench.store, { topics: [TOPIC, OTHER], before: head + 1, limit: 7 }).finally(() => {
      at.walking = false;
    });
    await appending;
    assert.deepEqual(idsOf(seen), idsOf(log).reverse());
  },
};

/** For stores whose log keeps the newest notifications only. */
export const historyRetentionChecks: Checks = {
  'history: has every entry of the log above `trimmed`': async (bench) => {
    const { positions } = await trimmedLog(bench);
    const topics = [TOPIC, OTHER];
    for (const limit of [3, 1000]) {
      const seen = positionsOf(await walk(bench.store, { topics, limit }));
      const { trimmed } = await history(bench.store, { topics, before: seen.at(-1) ?? 1 });
      const kept = positions.filter((position) => position > trimmed);
      assert.ok(trimmed > 0, 'the last page has `trimmed` above 0, because older entries were removed');
      assert.deepEqual(
        seen.filter((position) => position > trimmed),
        kept.reverse(),
        `pages of ${limit}`,
      );
    }
  },

  'history: paging backwards skips no kept entry while retention removes others': async (bench) => {
    const { positions } = await trimmedLog(bench);
    const topics = [TOPIC, OTHER];
    const first = await history(bench.store, { topics, limit: 2 });
    const before = first.entries.at(-1)?.position ?? 0;
    await bench.store.append(bench.drafts(bench.keep - 2));
    const { entries, more, trimmed } = await history(bench.store, { topics, before, limit: 1000 });
    const kept = positions.filter((position) => position > trimmed && position < before);
    assert.deepEqual(
      positionsOf(entries).filter((position) => position > trimmed),
      kept.reverse(),
    );
    assert.equal(more, false);
    const state = await history(bench.store, { topics, before: trimmed + 1 });
    assert.ok(state.trimmed >= trimmed && !state.more, 'no entry remains before the first kept entry');
  },
};

/** Every page from a position to the beginning. */
async function walk(store: Store, query: Partial<HistoryQuery>): Promise<LogEntry[]> {
  const seen: LogEntry[] = [];
  for (let before = query.before ?? NEWEST; ;) {
    const { entries, more } = await history(store, { ...query, before });
    seen.push(...entries);
    if (!more) return seen;
    const last = entries.at(-1)?.position ?? before;
    assert.ok(last < before, `a page before ${before} ends at ${last}; if more is true, it must end before ${before}`);
    before = last;
    await othersTurn();
  }
}

/** Lets other tasks run, also if the store answers without waiting. */
function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.setImmediate(resolve);
  });
}

/** The expected page. */
export function filtered(log: readonly LogEntry[], { topics, before, limit, bytesMax }: HistoryQuery) {
  const all = log.filter(({ topic, position }) => topics.includes(topic) && position < before).reverse();
  let bytes = 0;
  const cut = all.findIndex((entry, index) => {
    bytes += entry.bytes;
    return index >= limit || (index > 0 && bytes > bytesMax);
  });
  return cut < 0 ? { entries: all, more: false } : { entries: all.slice(0, cut), more: true };
}

/** A driver's entries may have further fields. */
function plain({ position, id, topic, json, bytes }: LogEntry): LogEntry {
  return { position, id, topic, json, bytes };
}
