import assert from 'node:assert/strict';
import { NotificationsError } from '../../core/errors.js';
import type { Draft, LogEntry } from '../../core/notification.js';
import { disjointNames, includesTopic, isPattern, PATTERNS_MAX } from '../../core/patterns.js';
import type { HistoryQuery, ReadQuery, Store } from '../../core/store.js';
import { appendEach, type BenchStore, type Checks, idsOf, read, readAll, stateOf } from './bench.js';
import { randomNumbers } from './random.js';
import { trimmedLog } from './retention.js';

const ORDERS = 'orders.*';
/** Topics that `orders.*` matches, and topics that only look similar. */
const MATCHED = ['orders.1', 'orders.1.lines', 'orders.A', 'orders.-', 'orders.~2E', 'orders..', 'orders.a/b:c@d=e'];
const OTHERS = ['orders', 'orders-1', 'orders:1', 'order.1', 'Orders.1', 'ordersX.1', 'x.orders.1', '$orders.1'];
const NEWEST = Number.MAX_SAFE_INTEGER;

/** Declares patterns. The store must have the ability `indexPatterns`. */
async function declare(store: BenchStore, ...patterns: readonly string[]): Promise<void> {
  assert.ok(store.indexPatterns, 'a store with the ability indexPatterns has the method indexPatterns');
  await store.indexPatterns(patterns);
}

export const patternChecks: Checks = {
  'patterns: a read of a pattern has the entries of all topics that it matches, in order': async (bench) => {
    await declare(bench.store, ORDERS);
    const drafts = [...MATCHED, ...OTHERS].map((topic) => bench.draft(topic));
    await bench.store.append(drafts);
    await appendEach(
      bench.store,
      [...drafts].reverse().map(({ topic }) => bench.draft(topic)),
    );
    const topics = [...MATCHED, ...OTHERS];
    const log = await readAll(bench.store, topics);
    assert.equal(log.length, 2 * topics.length);
    await assertPages(bench.store, log, [ORDERS]);
    const { entries, trimmed } = await read(bench.store, { topics: [ORDERS] });
    assert.deepEqual(new Set(entries.map(({ topic }) => topic)), new Set(MATCHED));
    assert.equal(trimmed, 0, 'the index of a pattern that was declared in an empty log is complete');
  },

  'patterns: the pattern * matches every topic, but no record of the library': async (bench) => {
    await declare(bench.store, '*');
    const drafts = ['a', 'a.b', '$a', '$revocations.b', '~', '=.='].map((topic) => bench.draft(topic));
    await bench.store.append(drafts);
    const log = await readAll(
      bench.store,
      drafts.map(({ topic }) => topic),
    );
    await assertPages(bench.store, log, ['*']);
    const { entries } = await read(bench.store, { topics: ['*'] });
    assert.deepEqual(
      entries.map(({ topic }) => topic),
      ['a', 'a.b', '~', '=.='],
    );
  },

  'patterns: an array keeps the order of its drafts if its topics alternate': async (bench) => {
    await declare(bench.store, ORDERS);
    const topics = [
      'orders.b',
      'other',
      'orders.a',
      'orders.b',
      'orders.c',
      'orders.a',
      'orders.b',
      'other',
      'orders.a',
    ];
    await bench.store.append(topics.map((topic) => bench.draft(topic)));
    await bench.store.append([...topics].reverse().map((topic) => bench.draft(topic)));
    const log = await readAll(bench.store, [...new Set(topics)]);
    for (const { position } of log) {
      const bounds = { topics: [ORDERS], bytesMax: 2 ** 30 };
      for (const limit of [1, 2, 3]) {
        await assertPage(bench.store, log, { ...bounds, limit, after: position });
        await assertPage(bench.store, log, { ...bounds, limit, before: position });
      }
    }
  },

  'patterns: an entry older than the declaration is found, or `trimmed` is at least its position': async (bench) => {
    await appendEach(bench.store, [bench.draft('orders.1'), bench.draft('other'), bench.draft('orders.2')]);
    await declare(bench.store, ORDERS);
    await bench.store.append([bench.draft('orders.1'), bench.draft('orders.3')]);
    const log = await readAll(bench.store, ['orders.1', 'orders.2', 'orders.3', 'other']);
    await assertComplete(bench.store, log, [ORDERS]);
    await assertComplete(bench.store, log, [ORDERS, 'other']);
    assert.equal(
      (await read(bench.store, { topics: ['orders.1'] })).trimmed,
      0,
      'a read of a topic without a pattern is complete',
    );
    const { entries } = await read(bench.store, { topics: [ORDERS], after: log.at(-3)?.position ?? 0 });
    assert.deepEqual(idsOf(entries), idsOf(log.slice(-2)));
  },

  'patterns: a repeated declaration changes nothing': async (bench) => {
    await declare(bench.store, ORDERS);
    await bench.store.append([bench.draft('orders.1')]);
    await declare(bench.store, 'other.*', ORDERS);
    await declare(bench.store, ORDERS, ORDERS);
    await bench.store.append([bench.draft('orders.2'), bench.draft('other.1')]);
    const log = await readAll(bench.store, ['orders.1', 'orders.2', 'other.1']);
    await assertPages(bench.store, log, [ORDERS]);
    assert.equal((await read(bench.store, { topics: [ORDERS] })).trimmed, 0, 'the index is complete from the start');
  },

  'patterns: a read of an undeclared pattern finds all entries, or reports that they are missing': async (bench) => {
    await declare(bench.store, 'other.*');
    await bench.store.append([bench.draft('orders.1'), bench.draft('other.1')]);
    const log = await readAll(bench.store, ['orders.1', 'other.1']);
    await assertComplete(bench.store, log, [ORDERS]);
    await assertComplete(bench.store, log, ['other.*', ORDERS]);
  },

  'patterns: a log keeps the patterns that were declared last, and reports a gap for a dropped one': async (bench) => {
    const names = Array.from({ length: PATTERNS_MAX }, (_, at) => `p${at}.*`);
    await declare(bench.store, ORDERS);
    await bench.store.append([bench.draft('orders.1')]);
    await declare(bench.store, ...names);
    await bench.store.append(names.map((_, at) => bench.draft(`p${at}.x`)));
    await bench.store.append([bench.draft('orders.2')]);
    await declare(bench.store, ORDERS);
    await bench.store.append([bench.draft('orders.3')]);
    const topics = ['orders.1', 'orders.2', 'orders.3', ...names.map((_, at) => `p${at}.x`)];
    const log = await readAll(bench.store, topics);
    for (const name of [ORDERS, ...names]) await assertComplete(bench.store, log, [name]);
    const last = names.at(-1) ?? '';
    assert.equal((await read(bench.store, { topics: [last] })).entries.length, 1, `${last} is still declared`);
  },

  'patterns: a repeated id is indexed once': async (bench) => {
    await declare(bench.store, ORDERS);
    const draft = bench.draft('orders.1');
    await bench.store.append([draft, draft]);
    await bench.store.append([draft]);
    await bench.store.append([bench.draft('orders.2'), draft]);
    await assertPages(bench.store, await readAll(bench.store, ['orders.1', 'orders.2']), [ORDERS]);
  },

  'patterns: pages of any size equal a filtered copy of the log, in both directions': async (bench) => {
    const patterns = ['a.*', 'a.b.*', 'c.*', '*'];
    await declare(bench.store, ...patterns);
    const topics = ['a', 'a.x', 'a.b.x', 'a.b.y', 'c.x', 'c.y', 'd'];
    const random = randomNumbers(3);
    const some = (): Draft => bench.draft(topics[random(topics.length)], 'x'.repeat(random(200)));
    for (let count = 0; count < 120; count += 4) await bench.store.append([some(), some(), some(), some()]);
    const log = await readAll(bench.store, topics);
    assert.equal(log.length, 120);
    for (let round = 0; round < 60; round++) {
      const names = disjointNames([...patterns, ...topics].filter(() => random(4) === 0));
      const bounds = { topics: names, limit: 1 + random(30), bytesMax: random(6000) };
      const at = log[random(log.length)]?.position ?? 0;
      await assertPage(bench.store, log, { ...bounds, after: random(4) === 0 ? 0 : at });
      await assertPage(bench.store, log, { ...bounds, before: random(4) === 0 ? NEWEST : at + random(2) });
    }
  },

  'patterns: declared patterns change neither the entries nor the head that a tail delivers': async (bench) => {
    await declare(bench.store, ORDERS, 'orders.1.*', '*');
    const follower = await bench.follow(0);
    const drafts = [bench.draft('orders.1.x'), bench.draft('other'), bench.draft('orders.2')];
    const { appended } = await bench.store.append(drafts);
    const last = appended.at(-1)?.position ?? 0;
    await follower.reaches(last);
    assert.deepEqual(idsOf(follower.entries), idsOf(drafts));
    assert.equal((await stateOf(bench.store)).head, last);
  },

  'patterns: indexPatterns rejects with store_unavailable after close': async (bench) => {
    await bench.store.close();
    await assert.rejects(
      declare(bench.store, ORDERS),
      (error: unknown) => error instanceof NotificationsError && error.code === 'store_unavailable',
    );
  },
};

/** For stores whose log keeps the newest notifications only. */
export const patternRetentionChecks: Checks = {
  'patterns: retention removes entries from the index too': async (bench) => {
    await declare(bench.store, '*');
    await trimmedLog(bench);
    const topics = ['orders', 'invoices'];
    for (const query of [{ after: 0 }, { before: NEWEST }]) {
      const [plain, byPattern] = [
        await bench.store.read({ topics, limit: 1000, bytesMax: 2 ** 30, ...query }),
        await bench.store.read({ topics: ['*'], limit: 1000, bytesMax: 2 ** 30, ...query }),
      ];
      const { trimmed } = byPattern;
      assert.deepEqual(idsOf(above(trimmed, byPattern.entries)), idsOf(above(trimmed, plain.entries)));
      assert.ok(byPattern.entries.length <= plain.entries.length, 'no removed entry is in the index');
    }
  },
};

/** For stores that several nodes share. */
export const patternNodesChecks: Checks = {
  'nodes: the index of a pattern includes the appends of all nodes': async (bench) => {
    const [one, other] = [bench.store, await bench.openAnother()];
    await other.append([bench.draft('orders.1')]);
    await declare(one, ORDERS);
    for (const store of [other, one, other]) await store.append([bench.draft('orders.1'), bench.draft('orders.2')]);
    for (const store of [one, other]) {
      const log = await readAll(store, ['orders.1', 'orders.2']);
      assert.equal(log.length, 7);
      await assertComplete(store, log, [ORDERS]);
      const { entries } = await read(store, { topics: [ORDERS], after: log[0]?.position ?? 0 });
      assert.deepEqual(idsOf(entries), idsOf(log.slice(1)));
    }
  },

  'nodes: an append during a declaration is found, or `trimmed` is at least its position': async (bench) => {
    const [one, other] = [bench.store, await bench.openAnother()];
    const appending = Array.from({ length: 20 }, () => other.append([bench.draft('orders.1')]));
    await declare(one, ORDERS);
    await Promise.all(appending);
    await other.append([bench.draft('orders.2')]);
    const log = await readAll(one, ['orders.1', 'orders.2']);
    assert.equal(log.length, 21);
    for (const store of [one, other]) await assertComplete(store, log, [ORDERS]);
  },

  'nodes: a declared pattern remains after the node that declared it has closed': async (bench) => {
    await declare(bench.store, ORDERS);
    await bench.store.append([bench.draft('orders.1')]);
    await bench.store.close();
    const later = await bench.openAnother();
    await later.append([bench.draft('orders.2')]);
    await assertPages(later, await readAll(later, ['orders.1', 'orders.2']), [ORDERS]);
    assert.equal((await read(later, { topics: [ORDERS] })).trimmed, 0);
  },
};

function above(trimmed: number, entries: readonly LogEntry[]): LogEntry[] {
  return entries.filter(({ position }) => position > trimmed);
}

function matching(log: readonly LogEntry[], names: readonly string[]): LogEntry[] {
  return log.filter(({ topic }) => names.some((name) => includesTopic(name, topic)));
}

/** A read has every matching entry after `trimmed`, and none twice, in both directions. */
async function assertComplete(store: Store, log: readonly LogEntry[], names: readonly string[]): Promise<void> {
  const what = `read of ${names.join()}`;
  const bounds = { topics: names, limit: 1000, bytesMax: 2 ** 30 };
  const forward = await store.read({ ...bounds, after: 0 });
  const backward = await store.read({ ...bounds, before: NEWEST });
  const expected = idsOf(above(forward.trimmed, matching(log, names)));
  assert.deepEqual(idsOf(above(forward.trimmed, forward.entries)), expected, what);
  assert.deepEqual(idsOf(above(backward.trimmed, backward.entries)).reverse(), expected, `${what}, newest first`);
  assert.equal(new Set(idsOf(forward.entries)).size, forward.entries.length, `${what} has no entry twice`);
  assert.ok(forward.trimmed <= forward.head, `${what}: trimmed is at most the head`);
  const first = log[0]?.position ?? 0;
  if (!names.some(isPattern)) assert.ok(forward.trimmed < first);
}

/** Reads the rest of the log in both directions, from each position. */
async function assertPages(store: Store, log: readonly LogEntry[], topics: readonly string[]): Promise<void> {
  for (const { position } of [{ position: 0 }, ...log]) {
    const bounds = { topics, limit: 1000, bytesMax: 2 ** 30 };
    await assertPage(store, log, { ...bounds, after: position });
    await assertPage(store, log, { ...bounds, before: position + 1 });
  }
}

async function assertPage(store: Store, log: readonly LogEntry[], query: ReadQuery | HistoryQuery): Promise<void> {
  const { entries, more } = await store.read(query);
  const expected = expectedPage(log, query);
  assert.deepEqual([idsOf(entries), more], [idsOf(expected.entries), expected.more], JSON.stringify(query));
}

function expectedPage(log: readonly LogEntry[], query: ReadQuery | HistoryQuery) {
  const { topics, limit, bytesMax } = query;
  const all = matching(log, topics);
  const rest =
    query.before === undefined
      ? all.filter(({ position }) => position > query.after)
      : all.filter(({ position }) => position < query.before).reverse();
  let bytes = 0;
  const cut = rest.findIndex((entry, index) => {
    bytes += entry.bytes;
    return index >= limit || (index > 0 && bytes > bytesMax);
  });
  return cut < 0 ? { entries: rest, more: false } : { entries: rest.slice(0, cut), more: true };
}
