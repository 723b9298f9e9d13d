import { describe, expect, test } from '@jest/globals';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, WAIT_MS } from '../support/feed.js';

const keyed = (id: string, key = 'k', topic = 'orders') => draft(id, { key, topic });

describe.each([
  ['the window', {}],
  ['the store', { windowCount: 1 }],
])('notifications with a key, read from %s', (_, limits) => {
  test('a client that was away for 50 updates receives the newest one', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append([draft('first'), ...Array.from({ length: 50 }, (_unused, at) => keyed(`v${at + 1}`))]);
    await bench.store.append([draft('last')]);
    const poll = bench.poll({ after: bench.place(0) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['first', 'v50', 'last']]);
    await bench.expectNothingLeft();
  });

  test('replace each other within their topic only', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append([
      keyed('a1', 'k', 'a'),
      keyed('b1', 'k', 'b'),
      keyed('a2', 'k', 'a'),
      keyed('a3', 'l', 'a'),
    ]);
    await bench.store.append([draft('end', { topic: 'other' })]);
    const poll = bench.poll({ topics: ['a', 'b'], after: bench.place(0) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['b1', 'a2', 'a3']]);
  });

  test('do not use up the limit of a page', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append([keyed('v1'), keyed('v2'), keyed('v3'), draft('a'), draft('b')]);
    const seen: string[] = [];
    for (let after = 0; after < 5;) {
      const poll = bench.poll({ after: bench.place(after), limit: 3 });
      await bench.clock.settle();
      seen.push(...poll.ids.flat());
      after = poll.last!.position;
    }
    expect(seen).toEqual(['v3', 'a', 'b']);
  });
});

test('each live update is delivered', async () => {
  const bench = await FeedBench.open();
  const stream = bench.follow();
  for (const id of ['v1', 'v2', 'v3']) {
    await bench.store.append([keyed(id)]);
    await bench.clock.settle();
  }
  expect(stream.ids).toEqual([['v1'], ['v2'], ['v3']]);
  stream.leave();
  await bench.expectNothingLeft();
});

test('a waiter receives only the newest update that arrived before it wakes', async () => {
  const bench = await FeedBench.open();
  const stream = bench.follow();
  await bench.store.append([keyed('v1')]);
  await bench.store.append([keyed('v2')]);
  await bench.clock.settle();
  expect(stream.ids).toEqual([['v2']]);
  stream.leave();
});

test('a page of old notifications omits those with a newer one of the same key in the window', async () => {
  const bench = await FeedBench.open({ windowCount: 1 });
  await bench.store.append([keyed('v1'), draft('a'), draft('b'), keyed('v2')]);
  const poll = bench.poll({ after: bench.place(0), limit: 2 });
  await bench.clock.settle();
  expect(poll.ids).toEqual([['a']]);
  expect(poll.last).toMatchObject({ position: 2, more: true });
});

test('across pages of the store, an older one may be delivered before the newer one', async () => {
  const bench = await FeedBench.open({ windowCount: 1 });
  await bench.store.append([keyed('v1'), draft('a'), keyed('v2'), draft('b')]);
  const first = bench.poll({ after: bench.place(0), limit: 2 });
  await bench.clock.settle();
  const second = bench.poll({ after: bench.place(2), limit: 2 });
  await bench.clock.settle();
  expect([first.ids, second.ids]).toEqual([[['v1', 'a']], [['v2', 'b']]]);
});

test('an update that has expired does not bring the older one back', async () => {
  const bench = await FeedBench.open();
  await bench.store.append([keyed('v1'), draft('v2', { key: 'k', expiresAtMs: bench.clock.now() + 10 }), draft('a')]);
  await bench.clock.advance(10);
  expect(bench.poll({ after: bench.place(0) }).ids).toEqual([['a']]);
});

test('a poll waits if all notifications after its cursor have been replaced', async () => {
  const bench = await FeedBench.open({ windowCount: 1 });
  await bench.store.append([keyed('v1'), keyed('v2'), draft('mine')]);
  await bench.store.append([keyed('v3', 'k', 'other'), draft('end', { topic: 'other' })]);
  const poll = bench.poll({ after: bench.place(3), limit: 1 });
  await bench.clock.advance(WAIT_MS - 1);
  await bench.store.append(drafts(1));
  await bench.clock.settle();
  expect(poll.ids).toEqual([['n1']]);
  await bench.expectNothingLeft();
});

test('a key in a new epoch does not replace notifications of the old epoch', async () => {
  const bench = await FeedBench.open();
  await bench.store.append([...drafts(5), keyed('old')]);
  await bench.store.wipe();
  await bench.clock.settle();
  await bench.store.append([keyed('new'), draft('a')]);
  const poll = bench.poll({ after: 'earliest' });
  await bench.clock.settle();
  expect(poll.ids).toEqual([['new', 'a']]);
});

test('a node remembers no key that its window has dropped', async () => {
  const bench = await FeedBench.open({ windowCount: 2 });
  await bench.store.append([keyed('v1'), keyed('v2'), draft('a'), draft('b')]);
  const poll = bench.poll({ after: bench.place(1) });
  await bench.clock.settle();
  expect(poll.ids).toEqual([['v2', 'a', 'b']]);
});
