import { describe, expect, test } from '@jest/globals';
import type { Rights } from '../../src/core/rights.js';
import { type DraftParts, draft, drafts } from '../support/drafts.js';
import { FeedBench, WAIT_MS } from '../support/feed.js';

/** The lifetime of notifications that expire in these tests. */
const TTL_MS = 100;

/** A bench, and drafts that expire `TTL_MS` after it was opened. */
async function open(limits: Parameters<typeof FeedBench.open>[0] = {}) {
  const bench = await FeedBench.open(limits);
  const expiresAtMs = bench.clock.now() + TTL_MS;
  return { bench, expiring: (id: string, more: DraftParts = {}) => draft(id, { expiresAtMs, ...more }) };
}

/** Reads come from the window, or from the store if the window is too small. */
const SOURCES = [
  ['the window', {}],
  ['the store', { windowCount: 1 }],
] as const;

describe.each(SOURCES)('a notification that expires, read from %s', (_, limits) => {
  test('is delivered until its time, and then skipped', async () => {
    const { bench, expiring } = await open(limits);
    await bench.store.append([draft('a'), expiring('x'), draft('b')]);
    const ids = async (): Promise<string[][]> => {
      const poll = bench.poll({ after: bench.place(0) });
      await bench.clock.settle();
      return poll.ids;
    };
    expect(await ids()).toEqual([['a', 'x', 'b']]);
    await bench.clock.advance(TTL_MS - 1);
    expect(await ids()).toEqual([['a', 'x', 'b']]);
    await bench.clock.advance(1);
    expect(await ids()).toEqual([['a', 'b']]);
    await bench.expectNothingLeft();
  });

  test('does not use up the limit of a page', async () => {
    const { bench, expiring } = await open(limits);
    await bench.store.append([expiring('x1'), draft('a'), expiring('x2'), draft('b'), draft('c')]);
    await bench.clock.advance(TTL_MS);
    const seen: string[] = [];
    for (let after = 0; after < 5;) {
      const poll = bench.poll({ after: bench.place(after), limit: 2, waitMs: 0 });
      await bench.clock.settle();
      seen.push(...poll.ids.flat());
      expect(poll.last!.position).toBeGreaterThan(after);
      after = poll.last!.position;
    }
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  test('does not end the wait of a poll, whose cursor moves on', async () => {
    const { bench, expiring } = await open({ ...limits, pageBytesMax: 500 });
    await bench.store.append(Array.from({ length: 20 }, (_unused, at) => expiring(`x${at}`)));
    await bench.clock.advance(TTL_MS);
    const poll = bench.poll({ after: bench.place(0), limit: 3 });
    await bench.clock.advance(WAIT_MS - 1);
    expect(poll.pages).toEqual([]);
    await bench.clock.advance(1);
    expect(poll.last).toMatchObject({ entries: [], position: 20, more: false });
    const next = bench.poll({ after: bench.place(20) });
    await bench.store.append([draft('live')]);
    await bench.clock.settle();
    expect(next.ids).toEqual([['live']]);
    await bench.expectNothingLeft();
  });

  test('a stream reaches a valid notification after any number of expired ones', async () => {
    const { bench, expiring } = await open({ ...limits, pageBytesMax: 500 });
    await bench.store.append([...Array.from({ length: 20 }, (_unused, at) => expiring(`x${at}`)), draft('a')]);
    await bench.store.append([draft('b')]);
    await bench.clock.advance(TTL_MS);
    const stream = bench.follow({ after: 'earliest', limit: 1 });
    await bench.clock.settle();
    expect(stream.ids.flat()).toEqual(['a', 'b']);
    stream.leave();
    await bench.expectNothingLeft();
  });

  test('is not on a page that was shared before it expired', async () => {
    const { bench, expiring } = await open(limits);
    await bench.store.append([expiring('x'), draft('a'), draft('b')]);
    const topics = ['orders'];
    const first = bench.poll({ topics, after: bench.place(0) });
    await bench.clock.settle();
    const again = bench.poll({ topics, after: bench.place(0) });
    await bench.clock.settle();
    expect(again.last).toBe(first.last);
    await bench.clock.advance(TTL_MS);
    const late = bench.poll({ topics, after: bench.place(0) });
    await bench.clock.settle();
    expect(late.ids).toEqual([['a', 'b']]);
    const shared = bench.poll({ topics, after: bench.place(0) });
    await bench.clock.settle();
    expect(shared.last).toBe(late.last);
  });

  test('is not delivered if its access check takes longer than its life', async () => {
    const { bench, expiring } = await open(limits);
    await bench.store.append([draft('a'), expiring('x'), draft('b')]);
    let allow = (): void => undefined;
    const rights: Rights = {
      allowed: (topics) => new Promise((resolve) => (allow = () => resolve(topics))),
    };
    const poll = bench.poll({ after: bench.place(0), rights });
    await bench.clock.advance(TTL_MS);
    allow();
    await bench.clock.settle();
    expect(poll.ids).toEqual([['a', 'b']]);
    await bench.expectNothingLeft();
  });

  test('is not on a page of the history if its access check takes longer than its life', async () => {
    const { bench, expiring } = await open(limits);
    await bench.store.append([draft('a'), draft('b'), expiring('x'), draft('c')]);
    let allow = (): void => undefined;
    const rights: Rights = {
      allowed: (topics) => new Promise((resolve) => (allow = () => resolve(topics))),
    };
    const page = bench.history({ limit: 3, rights });
    await bench.clock.advance(TTL_MS);
    allow();
    await bench.clock.settle();
    expect(page.ids).toEqual([['c', 'b']]);
    expect(page.last).toMatchObject({ position: 1, more: true, history: { upTo: 4, trimmed: false } });
    await bench.expectNothingLeft();
  });
});

test('a poll continues to wait if its only notification expires during the access check', async () => {
  const { bench, expiring } = await open();
  const checks: (() => void)[] = [];
  const rights: Rights = {
    allowed: (topics) => new Promise((resolve) => checks.push(() => resolve(topics))),
  };
  const poll = bench.poll({ rights });
  await bench.store.append([expiring('x')]);
  await bench.clock.advance(TTL_MS);
  checks.shift()!();
  await bench.clock.settle();
  expect(poll.pages).toEqual([]);
  await bench.store.append([draft('a')]);
  await bench.clock.settle();
  checks.shift()!();
  await bench.clock.settle();
  expect(poll.ids).toEqual([['a']]);
  await bench.expectNothingLeft();
});

test('a poll misses nothing that arrives while the only notification of its page expires', async () => {
  const { bench, expiring } = await open({ windowCount: 1 });
  await bench.store.append([expiring('x'), draft('a'), draft('b')]);
  const checks: (() => void)[] = [];
  const rights: Rights = {
    allowed: (topics) => new Promise((resolve) => checks.push(() => resolve(topics))),
  };
  const poll = bench.poll({ after: bench.place(0), limit: 1, rights });
  await bench.clock.advance(TTL_MS);
  checks.shift()!();
  await bench.clock.settle();
  checks.shift()!();
  await bench.clock.settle();
  expect(poll.ids).toEqual([['a']]);
  await bench.expectNothingLeft();
});

test('a notification that has expired before it is appended causes no empty page', async () => {
  const { bench, expiring } = await open();
  const [poll, stream] = [bench.poll(), bench.follow()];
  await bench.clock.advance(TTL_MS);
  await bench.store.append([expiring('x')]);
  await bench.clock.settle();
  expect([poll.pages, stream.pages]).toEqual([[], []]);
  await bench.clock.advance(WAIT_MS - TTL_MS);
  expect(poll.last).toMatchObject({ entries: [], position: 1 });
  stream.leave();
  await bench.expectNothingLeft();
});

test('a poll that does not wait is answered after one read of the store, and its cursor moves on', async () => {
  const { bench, expiring } = await open({ windowCount: 1 });
  await bench.store.append([expiring('x1'), expiring('x2'), expiring('x3'), draft('a'), draft('b')]);
  await bench.clock.advance(TTL_MS);
  bench.store.reads.length = 0;
  const poll = bench.poll({ after: bench.place(0), limit: 2, waitMs: 0 });
  await bench.clock.settle();
  expect(poll.last).toMatchObject({ entries: [], position: 2, more: true });
  expect(bench.store.reads).toHaveLength(1);
});

test('a gap is reported although all notifications after it have expired', async () => {
  const bench = await FeedBench.open({ windowCount: 1 }, { retainCount: 3 });
  const expiresAtMs = bench.clock.now() + TTL_MS;
  await bench.store.append([...drafts(2), draft('x1', { expiresAtMs }), draft('x2', { expiresAtMs }), draft('a')]);
  await bench.clock.advance(TTL_MS);
  const poll = bench.poll({ after: bench.place(1), limit: 2 });
  await bench.clock.settle();
  expect(poll.last).toMatchObject({ entries: [], position: 4, more: true, gap: { reason: 'expired' } });
});

test('a repeated publish does not bring an expired notification back', async () => {
  const { bench, expiring } = await open();
  await bench.store.append([expiring('x')]);
  await bench.clock.advance(TTL_MS);
  const repeat = await bench.store.append([expiring('x', { expiresAtMs: bench.clock.now() + TTL_MS })] as const);
  expect(repeat.appended).toMatchObject([{ duplicate: true, position: 1 }]);
  const poll = bench.poll({ after: bench.place(0), waitMs: 0 });
  await bench.clock.settle();
  expect(poll.ids).toEqual([[]]);
});
