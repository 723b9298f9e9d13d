import { beforeEach, describe, expect, test } from '@jest/globals';
import { type LogPosition, positionIn } from '../../src/core/page.js';
import type { Epoch } from '../../src/core/store.js';
import type { Rights } from '../../src/core/rights.js';
import { Cursors } from '../../src/wire/cursor.js';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, WAIT_MS, type Watched } from '../support/feed.js';

let bench: FeedBench;
let old: LogPosition;

/** A log of ten notifications, and its last position before a failover. */
beforeEach(async () => {
  bench = await FeedBench.open();
  await bench.store.append(drafts(10));
  old = bench.head;
});

const at = (position: number): LogPosition => ({ ...old, position });

/** The poll has received `next` without a gap, and nothing is left open. */
async function expectNext(poll: Watched): Promise<void> {
  expect(poll.ids).toEqual([['next']]);
  expect(poll.last?.gap).toBeUndefined();
  await bench.expectNothingLeft();
}

describe('after a failover that lost nothing', () => {
  test('a read continues from a position of the old epoch without a gap', async () => {
    await bench.store.failOver(10);
    const poll = bench.poll({ after: at(8) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n9', 'n10']]);
    expect(poll.last?.gap).toBeUndefined();
    expect(poll.last?.epoch.id).not.toBe(old.epochId);
  });

  test('a held poll receives the next notification without a gap', async () => {
    const poll = bench.poll({ after: at(10) });
    await bench.clock.settle();
    await bench.store.failOver(10);
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    await expectNext(poll);
  });

  test('a held poll that times out gets a position of the new epoch', async () => {
    const poll = bench.poll({ after: at(10) });
    await bench.store.failOver(10);
    await bench.clock.advance(WAIT_MS);
    expect(poll.last).toMatchObject({ entries: [], position: 10 });
    expect(poll.last?.epoch.id).not.toBe(old.epochId);
    expect(poll.last?.gap).toBeUndefined();
  });

  test('a stream continues', async () => {
    const stream = bench.follow({ after: at(9) });
    await bench.clock.settle();
    await bench.store.failOver(10);
    await bench.store.failOver(10);
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    expect(stream.ids).toEqual([['n10'], ['next']]);
    expect(stream.pages.some(({ gap }) => gap)).toBe(false);
    stream.leave();
  });

  test('a read of the old log that finds nothing does not hide an entry of the new log', async () => {
    bench = await FeedBench.open({ windowCount: 2 });
    await bench.store.append(drafts(10));
    await bench.clock.settle();
    const start = { ...bench.head, position: 1 };
    const answer = bench.store.holdReads();
    const poll = bench.poll({ topics: ['quiet'], after: start });
    await bench.clock.settle();
    await bench.store.failOver(10);
    await bench.store.append([draft('next', { topic: 'quiet' })]);
    await bench.clock.settle();
    answer();
    await bench.clock.settle();
    await expectNext(poll);
  });

  test('a waiter for another topic keeps its position after retention has removed the entries there', async () => {
    bench = await FeedBench.open({ windowCount: 2 }, { retainCount: 4 });
    const poll = bench.poll({ topics: ['quiet'] });
    await bench.store.append(drafts(10));
    await bench.clock.settle();
    await bench.store.failOver(bench.head.position);
    await bench.store.append([draft('next', { topic: 'quiet' })]);
    await bench.clock.settle();
    expect(poll.ids).toEqual([['next']]);
    expect(poll.last?.gap).toBeUndefined();
  });
});

describe('after a failover that lost the newest notifications', () => {
  test('a read continues from a position before the fork without a gap', async () => {
    await bench.store.failOver(7);
    await bench.store.append([draft('after the fork')]);
    const poll = bench.poll({ after: at(7) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['after the fork']]);
    expect(poll.last?.gap).toBeUndefined();
  });

  test('a position beyond the fork gets a reset gap', async () => {
    await bench.store.failOver(7);
    await bench.store.append(drafts(5, 'new'));
    const poll = bench.poll({ after: at(8) });
    await bench.clock.settle();
    expect(poll.last?.gap).toEqual({ reason: 'reset' });
    expect(poll.last?.entries).toHaveLength(12);
  });

  test('a held poll gets a reset gap beyond the fork, and none before the fork', async () => {
    const beyond = bench.poll({ after: at(10) });
    const before = bench.poll({ topics: ['other'], after: at(2) });
    await bench.clock.settle();
    await bench.store.failOver(7);
    await bench.store.append([draft('next', { topic: 'other' })]);
    await bench.clock.settle();
    expect(beyond.last?.gap).toEqual({ reason: 'reset' });
    expect(before.ids).toEqual([['next']]);
    expect(before.last?.gap).toBeUndefined();
    await bench.expectNothingLeft();
  });

  test('a stream continues after its last notification without a gap', async () => {
    await bench.store.append([draft('other', { topic: 'other' })]);
    const stream = bench.follow({ after: at(9) });
    await bench.clock.settle();
    await bench.store.failOver(10);
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    expect(stream.ids).toEqual([['n10'], ['next']]);
    expect(stream.pages.some(({ gap }) => gap)).toBe(false);
    stream.leave();
  });

  test('the lowest of several forks decides', async () => {
    await bench.store.failOver(7);
    await bench.store.append(drafts(5, 'new'));
    await bench.store.failOver(12);
    const [valid, lost] = [bench.poll({ after: at(7) }), bench.poll({ after: at(8) })];
    await bench.clock.settle();
    expect(valid.last?.gap).toBeUndefined();
    expect(lost.last?.gap).toEqual({ reason: 'reset' });
  });
});

describe('a failover that lost the newer notification of a key', () => {
  /** Polls after the newer notification has expired, so the poll passes both. */
  const pollAfterBoth = async (): Promise<Watched> => {
    await bench.store.append([draft('old', { key: 'k' })]);
    await bench.store.append([draft('new', { key: 'k', expiresAtMs: bench.clock.now() + 1 })]);
    await bench.clock.advance(1);
    const poll = bench.poll({ after: at(10) });
    await bench.clock.settle();
    expect(poll.pages).toEqual([]);
    return poll;
  };

  test.each([
    ['a held poll receives the older one', false, undefined],
    ['a held poll receives the older one with the gap', true, { reason: 'expired' }],
  ])('%s', async (_, isLossKnown, gap) => {
    const poll = await pollAfterBoth();
    await bench.store.failOver(11, { isLossKnown });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['old']]);
    expect(poll.last?.gap).toEqual(gap);
    await bench.expectNothingLeft();
  });

  test('a poll receives the older one if the failover happens between two reads of the store', async () => {
    bench = await FeedBench.open({ windowCount: 2 });
    await bench.store.append(drafts(10));
    const expiresAtMs = bench.clock.now() + 1;
    await bench.store.append([draft('old', { key: 'k' }), draft('other', { expiresAtMs })]);
    await bench.store.append([draft('new', { key: 'k', expiresAtMs }), draft('quiet', { topic: 'quiet' })]);
    await bench.clock.advance(1);
    const answer = bench.store.holdReads();
    const poll = bench.poll({ after: bench.place(10), limit: 1 });
    await bench.clock.settle();
    const deliverTail = bench.store.holdTail();
    await bench.store.failOver(12, { isLossKnown: true });
    answer();
    await bench.clock.settle();
    deliverTail();
    await bench.clock.settle();
    expect(poll.ids).toEqual([['old']]);
    await bench.expectNothingLeft();
  });
});

describe('an undetected loss above the head of the node', () => {
  const allowed = (topics: readonly string[]): readonly string[] => topics;

  test('a held poll receives a notification whose retraction was lost', async () => {
    let allow = (): void => undefined;
    const slow: Rights = { allowed: (topics) => new Promise((resolve) => (allow = () => resolve(topics))) };
    const poll = bench.poll({ subscriber: 'ann', rights: slow, after: at(10) });
    await bench.store.append([draft('again')]);
    await bench.clock.settle();
    await bench.store.cutTail();
    await bench.feed.retract({ id: 'again', topic: 'orders' });
    allow();
    await bench.clock.settle();
    expect(poll.pages).toEqual([]);
    await bench.store.failOver(11);
    await bench.clock.settle();
    allow();
    await bench.clock.settle();
    expect(poll.ids).toEqual([['again']]);
    await bench.expectNothingLeft();
  });

  test('a held poll receives a notification if the newer one of its key was lost', async () => {
    bench = await FeedBench.open({ windowCount: 2 });
    await bench.store.append([draft('old', { key: 'k' }), ...drafts(3, 'q', 'quiet')]);
    await bench.clock.settle();
    await bench.store.cutTail();
    await bench.store.append([draft('new', { key: 'k' })]);
    const poll = bench.poll({ subscriber: 'ann', rights: { allowed }, after: bench.place(0) });
    await bench.clock.settle();
    expect(poll.pages).toEqual([]);
    await bench.store.failOver(4);
    await bench.clock.settle();
    expect(poll.ids).toEqual([['old']]);
    await bench.expectNothingLeft();
  });

  test('a later poll receives many notifications whose retractions were lost', async () => {
    await bench.store.cutTail();
    for (let n = 1; n <= 9; n++) await bench.feed.retract({ id: `n${n}`, topic: 'orders' });
    const before = bench.poll({ after: at(0), waitMs: 0 });
    await bench.clock.settle();
    expect(before.ids).toEqual([['n10']]);
    await bench.store.failOver(10);
    const after = bench.poll({ after: bench.place(0), waitMs: 0 });
    await bench.clock.settle();
    expect(after.ids.flat()).toHaveLength(10);
    await bench.expectNothingLeft();
  });
});

test('a poll gets no gap if a failover between two reads of the store lost only what it has skipped', async () => {
  bench = await FeedBench.open({ windowCount: 1 });
  await bench.store.append(drafts(10));
  const expiresAtMs = bench.clock.now() + 1;
  await bench.store.append([draft('s1', { expiresAtMs }), draft('s2', { expiresAtMs }), ...drafts(1, 'q', 'quiet')]);
  await bench.clock.advance(1);
  const answer = bench.store.holdReads();
  const poll = bench.poll({ after: bench.place(10), limit: 1 });
  await bench.clock.settle();
  const deliverTail = bench.store.holdTail();
  await bench.store.failOver(10);
  await bench.store.append([draft('next')]);
  answer();
  await bench.clock.settle();
  deliverTail();
  await bench.clock.settle();
  await expectNext(poll);
});

test('a poll from the earliest position receives what a restored snapshot has again', async () => {
  bench = await FeedBench.open({}, { retainMs: 1_000 });
  await bench.store.append(drafts(2));
  await bench.clock.advance(1_000);
  const poll = bench.poll({ after: 'earliest' });
  await bench.clock.settle();
  expect(poll.pages).toEqual([]);
  await bench.store.failOver(2, { isLossKnown: true });
  await bench.clock.settle();
  expect(poll.ids).toEqual([['n1', 'n2']]);
  expect(poll.last?.gap).toBeUndefined();
  await bench.expectNothingLeft();
});

describe('a snapshot from before a failover is restored', () => {
  let snapshot: Epoch;
  /** The cursor of the end of the snapshot, as a node opens it after the failover. */
  let opened: LogPosition;

  beforeEach(async () => {
    snapshot = bench.feed.window.epoch;
    await bench.store.failOver(10);
    opened = positionIn(bench.feed.window.epoch, at(10))!;
  });

  test('a held poll continues from a cursor of that time without a gap', async () => {
    const poll = bench.poll({ after: at(10) });
    const later = bench.poll({ after: opened });
    await bench.clock.settle();
    await bench.store.append([draft('lost', { topic: 'other' })]);
    await bench.clock.settle();
    await bench.store.failOver(10, { of: snapshot });
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    expect([poll.ids, later.ids]).toEqual([[['next']], [['next']]]);
    expect([poll.last?.gap, later.last?.gap]).toEqual([undefined, undefined]);
    await bench.expectNothingLeft();
  });

  test('a node that does not know the restore yet answers a cursor of that time without a gap', async () => {
    const deliverTail = bench.store.holdTail();
    await bench.store.failOver(10, { of: snapshot });
    const page = bench.history({ before: { ...opened, position: 10 } });
    const poll = bench.poll({ after: { ...opened, position: 9, origin: at(9) } });
    await bench.clock.settle();
    expect(page.last?.gap).toBeUndefined();
    expect(poll.ids).toEqual([['n10']]);
    expect(poll.last?.gap).toBeUndefined();
    deliverTail();
    await bench.expectNothingLeft();
  });

  test('a held poll continues from the fork if the node knows the restore later than the store', async () => {
    bench = await FeedBench.open({ windowCount: 1 });
    await bench.store.append(drafts(10, 'n', 'other'));
    await bench.clock.settle();
    const { epoch } = bench.feed.window;
    const poll = bench.poll({ after: bench.place(7) });
    await bench.clock.settle();
    await bench.store.failOver(7);
    await bench.store.append(drafts(3, 'lost', 'other'));
    const deliverTail = bench.store.holdTail();
    await bench.store.failOver(8, { of: epoch });
    await bench.store.append([draft('next')]);
    await bench.clock.settle();
    deliverTail();
    await bench.clock.settle();
    await expectNext(poll);
  });

  test('a node that does not know the restore yet rejects a cursor from beyond the earlier fork', async () => {
    bench = await FeedBench.open();
    await bench.store.append(drafts(10));
    const cursors = new Cursors();
    const { epoch } = bench.feed.window;
    const text = cursors.seal(epoch, 9);
    const pollAgain = (): Watched => bench.poll({ after: cursors.open(text, bench.feed.window.epoch)! });
    await bench.store.failOver(7);
    await bench.clock.settle();
    const deliverTail = bench.store.holdTail();
    await bench.store.failOver(10, { of: epoch });
    const early = pollAgain();
    await bench.clock.settle();
    deliverTail();
    const late = pollAgain();
    await bench.clock.settle();
    expect(early.error).toMatchObject({ code: 'draining' });
    expect(late.ids).toEqual([['n10']]);
    expect(late.last?.gap).toBeUndefined();
    await bench.expectNothingLeft();
  });

  test('a cursor of the lost log gets a reset gap', async () => {
    const { head } = bench;
    await bench.store.failOver(10, { of: snapshot });
    const poll = bench.poll({ after: head });
    await bench.clock.settle();
    expect(poll.last?.gap).toEqual({ reason: 'reset' });
  });
});

describe('a client that missed an epoch', () => {
  test('gets a reset gap beyond the fork of the later failover', async () => {
    await bench.store.failOver(10);
    await bench.store.append(drafts(5, 'new'));
    await bench.store.failOver(8);
    await bench.store.append(drafts(5, 'newer'));
    const [valid, lost] = [bench.poll({ after: at(8), waitMs: 0 }), bench.poll({ after: at(9) })];
    await bench.clock.settle();
    expect(valid.last?.gap).toBeUndefined();
    expect(lost.last?.gap).toEqual({ reason: 'reset' });
  });

  test.each([
    ['earlier', true, false],
    ['later', false, true],
  ])('gets an expired gap if the %s failover lost notifications', async (_, first, second) => {
    await bench.store.failOver(10, { isLossKnown: first });
    await bench.store.failOver(10, { isLossKnown: second });
    const poll = bench.poll({ after: at(9) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n10']]);
    expect(poll.last?.gap).toEqual({ reason: 'expired' });
  });
});

describe('after a failover that is known to have lost notifications', () => {
  test('a position before the fork is continued with an expired gap, once', async () => {
    await bench.store.failOver(7, { isLossKnown: true });
    const poll = bench.poll({ after: at(5) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n6', 'n7']]);
    expect(poll.last?.gap).toEqual({ reason: 'expired' });
    const next = bench.poll({ after: bench.place(poll.last!.position), waitMs: 0 });
    await bench.clock.settle();
    expect(next.last?.gap).toBeUndefined();
  });

  test('held polls get the gap at once and share its page', async () => {
    const polls = [bench.poll({ topics: ['other'], after: at(2) }), bench.poll({ topics: ['other'], after: at(3) })];
    await bench.clock.settle();
    await bench.store.failOver(7, { isLossKnown: true });
    await bench.clock.settle();
    expect(polls.map(({ last }) => last?.gap)).toEqual([{ reason: 'expired' }, { reason: 'expired' }]);
    expect(polls[0]!.last).toBe(polls[1]!.last);
    await bench.expectNothingLeft();
  });

  test('a node at the fork assumes that it has missed a revocation', async () => {
    const stream = bench.follow({ topics: ['other'], subscriber: 'ann', after: at(10) });
    await bench.clock.settle();
    const { revocations } = bench.feed;
    await bench.store.failOver(10, { isLossKnown: true });
    await bench.clock.settle();
    expect(stream.error).toMatchObject({ code: 'draining' });
    expect(bench.feed.isRevoked({ subscriber: 'ann', revocations })).toBe(true);
    await bench.expectNothingLeft();
  });
});

describe('a cursor of an epoch that the node does not know', () => {
  test('is rejected with a retryable error while the store is ahead of the node', async () => {
    const handOver = bench.store.holdTail();
    await bench.store.failOver(10);
    const poll = bench.poll({ after: { epochId: '', position: 0, unknownIn: old.epochId } });
    await bench.clock.settle();
    expect(poll.error).toMatchObject({ code: 'draining' });
    handOver();
    await bench.expectNothingLeft();
  });

  test('gets a reset gap if the store has no newer epoch', async () => {
    const poll = bench.poll({ after: { epochId: '', position: 0, unknownIn: old.epochId } });
    await bench.clock.settle();
    expect(poll.last?.gap).toEqual({ reason: 'reset' });
  });
});
