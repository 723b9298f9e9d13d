import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { retractionDrafts } from '../../src/core/retraction.js';
import { Cursors } from '../../src/wire/cursor.js';
import type { LogPage } from '../../src/core/page.js';
import { draft, drafts } from '../support/drafts.js';
import { consumedBy, FeedBench, idsOf } from '../support/feed.js';

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => `n${from < to ? from + index : from - index}`);

describe('the history', () => {
  let bench: FeedBench;

  beforeEach(async () => {
    bench = await FeedBench.open({ windowCount: 10 });
    await bench.store.append(drafts(30));
    bench.store.reads.length = 0;
  });
  afterEach(() => bench.expectNothingLeft());

  const read = async (request: Parameters<FeedBench['history']>[0] = {}): Promise<LogPage> => {
    const watched = bench.history(request);
    await bench.clock.settle();
    expect(watched.error).toBeUndefined();
    expect([watched.pages.length, watched.completed]).toEqual([1, true]);
    return watched.pages[0]!;
  };

  /** Reads older pages until the end. */
  const walk = async (limit: number): Promise<LogPage[]> => {
    const pages = [await read({ limit })];
    while (pages.at(-1)!.more) pages.push(await read({ limit, before: bench.place(pages.at(-1)!.position) }));
    return pages;
  };

  test('begins with the newest notification', async () => {
    const page = await read({ limit: 3 });
    expect(idsOf(page)).toEqual(['n30', 'n29', 'n28']);
    expect(page).toMatchObject({ position: 27, more: true, history: { upTo: 30, trimmed: false } });
  });

  test('is read from the window if that holds the page, and from the store otherwise', async () => {
    await read({ limit: 9 });
    expect(bench.store.reads).toHaveLength(0);
    const page = await read({ limit: 10 });
    expect(bench.store.reads).toMatchObject([{ before: 31, limit: 10 }]);
    expect(idsOf(page)).toEqual(numbered(30, 21));
  });

  test.each([1, 7, 10, 100])('in pages of %i has every notification once', async (limit) => {
    const pages = await walk(limit);
    expect(pages.flatMap(idsOf)).toEqual(numbered(30, 1));
    expect(pages.at(-1)!.history).toMatchObject({ trimmed: false });
  });

  test('is bounded in bytes, but has at least one notification', async () => {
    const [entry] = (await read({ limit: 1 })).entries;
    const page = await read({ bytesMax: () => 3 * entry!.bytes });
    expect(idsOf(page)).toEqual(['n30', 'n29', 'n28']);
    expect(idsOf(await read({ bytesMax: () => 1 }))).toEqual(['n30']);
  });

  test('up to a position has the notification at this position', async () => {
    for (const position of [25, 5]) {
      const page = await read({ before: bench.place(position), limit: 2 });
      expect(idsOf(page)).toEqual([`n${position}`, `n${position - 1}`]);
      expect(page.history?.upTo).toBe(position);
    }
  });

  test('and the feed after it deliver every notification once, with those published meanwhile', async () => {
    const newest = await read({ limit: 4 });
    await bench.store.append(drafts(2, 'later'));
    const older = await read({ limit: 100, before: bench.place(newest.position) });
    const live = bench.poll({ after: bench.place(newest.history!.upTo) });
    await bench.clock.settle();
    const shown = [...idsOf(newest), ...idsOf(older)].reverse();
    expect([...shown, ...live.ids.flat()]).toEqual([...numbered(1, 30), 'later1', 'later2']);
  });

  test('a feed from the older cursor of a page begins with the page’s oldest notification', async () => {
    const page = await read({ limit: 4 });
    const poll = bench.poll({ after: bench.place(page.position) });
    await bench.clock.settle();
    expect(poll.ids).toEqual([numbered(27, 30)]);
  });

  test('of a topic without notifications is empty, and both cursors are equal', async () => {
    const page = await read({ topics: ['quiet'] });
    expect(page).toMatchObject({ entries: [], position: 30, more: false, history: { upTo: 30, trimmed: false } });
  });

  test('is one page object for callers that read the same', async () => {
    const topics = ['orders'];
    const [first, second] = [await read({ topics, limit: 3 }), await read({ topics, limit: 3 })];
    expect(second).toBe(first);
    const held = bench.store.holdReads();
    const both = [bench.history({ topics, limit: 20 }), bench.history({ topics, limit: 20 })];
    held();
    await bench.clock.settle();
    expect(both[0]!.pages[0]).toBe(both[1]!.pages[0]);
    expect(bench.store.reads).toHaveLength(1);
  });

  test('is not shared between a newer and an older log', async () => {
    await read({ limit: 3 });
    await bench.store.append([draft('n31')]);
    expect(idsOf(await read({ limit: 3 }))).toEqual(['n31', 'n30', 'n29']);
  });
});

describe('the history after retention', () => {
  test('ends at removed notifications, and reports a gap', async () => {
    const bench = await FeedBench.open({ windowCount: 2 }, { retainCount: 5 });
    await bench.store.append(drafts(12));
    const all = bench.history();
    await bench.clock.settle();
    expect(all.ids).toEqual([numbered(12, 8)]);
    expect(all.last).toMatchObject({ more: false, position: 7, history: { trimmed: true } });
  });

  test('does not report removed notifications as the beginning of the log', async () => {
    const bench = await FeedBench.open({ windowCount: 2 }, { retainCount: 5 });
    await bench.store.append(drafts(5));
    const newest = bench.history({ limit: 2 });
    await bench.clock.settle();
    await bench.store.append(drafts(7, 'later'));
    const older = bench.history({ before: bench.place(newest.last!.position) });
    await bench.clock.settle();
    expect(older.last).toMatchObject({ entries: [], more: false, position: 3, history: { upTo: 3, trimmed: true } });
  });
});

describe('the history and failovers', () => {
  let bench: FeedBench;

  beforeEach(async () => {
    bench = await FeedBench.open();
    await bench.store.append(drafts(10));
  });
  afterEach(() => bench.expectNothingLeft());

  test('a position that both logs share is valid without a gap', async () => {
    const old = bench.place(8);
    await bench.store.failOver(10);
    const page = bench.history({ before: old, limit: 2 });
    await bench.clock.settle();
    expect(page.ids).toEqual([['n8', 'n7']]);
    expect(page.last?.gap).toBeUndefined();
    expect(page.last?.epoch.id).toBe(bench.head.epochId);
  });

  test('a gap reports that notifications after the position may be lost', async () => {
    const old = bench.place(6);
    await bench.store.failOver(7, { isLossKnown: true });
    const page = bench.history({ before: { ...old, afterLoss: true }, limit: 2 });
    const newest = bench.history({ limit: 2 });
    await bench.clock.settle();
    expect(page.ids).toEqual([['n6', 'n5']]);
    expect(page.last?.gap).toEqual({ reason: 'expired' });
    expect(newest.last?.gap).toBeUndefined();
  });

  test('starts at the end of the log if its position was lost in a failover', async () => {
    const old = bench.head;
    await bench.store.failOver(7);
    await bench.store.append(drafts(2, 'new'));
    const page = bench.history({ before: old, limit: 3 });
    await bench.clock.settle();
    expect(page.ids).toEqual([['new2', 'new1', 'n7']]);
    expect(page.last).toMatchObject({ gap: { reason: 'reset' }, more: true, history: { upTo: 9 } });
  });

  test('a cursor of a wiped log begins again at the end of the log', async () => {
    const cursors = new Cursors();
    const text = cursors.seal(bench.feed.window.epoch, 10);
    await bench.store.wipe();
    await bench.store.append(drafts(3, 'new'));
    const page = bench.history({ before: cursors.open(text, bench.feed.window.epoch)! });
    await bench.clock.settle();
    expect(page.ids).toEqual([['new3', 'new2', 'new1']]);
    expect(page.last?.gap).toEqual({ reason: 'reset' });
  });

  test('a cursor of a log that this node does not know yet is retried', async () => {
    const releaseTail = bench.store.holdTail();
    await bench.store.wipe();
    await bench.store.append(drafts(3, 'new'));
    const page = bench.history({ before: { epochId: '', position: 0, unknownIn: bench.feed.window.epoch.id } });
    await bench.clock.settle();
    expect(page.error).toMatchObject({ code: 'draining' });
    releaseTail();
  });
});

describe('a read of the history', () => {
  let bench: FeedBench;
  const ANN = { subscriber: 'ann', address: '10.0.0.1', revocations: 0 };

  beforeEach(async () => {
    bench = await FeedBench.open({ windowCount: 2, waitersPerSubscriberMax: 1 });
    await bench.store.append(drafts(10));
  });
  afterEach(() => bench.expectNothingLeft());

  test('takes a slot until its consumer has taken the page', async () => {
    let take = (): void => undefined;
    consumedBy(bench.feed.history({ topics: ['orders'], before: 'latest', limit: 3, ...ANN }), () => {
      return new Promise<void>((resolve) => (take = resolve));
    }).subscribe();
    await bench.clock.settle();
    expect(bench.feed.counts()).toEqual({ waiters: 0, topics: 0, subscribers: 0, addresses: 1 });
    expect(bench.history(ANN).error).toMatchObject({ code: 'subscriber_waiters_too_many' });
    take();
    await bench.clock.settle();
    const next = bench.history(ANN);
    await bench.clock.settle();
    expect(next.error).toBeUndefined();
  });

  test('releases its resources when its caller disconnects', async () => {
    const release = bench.store.holdReads();
    const page = bench.history(ANN);
    await bench.clock.settle();
    expect(bench.feed.counts()).toMatchObject({ waiters: 1 });
    page.leave();
    await bench.expectNothingLeft();
    release();
    await bench.clock.settle();
    expect(page.pages).toEqual([]);
  });

  test('has no notification that is retracted while other callers get the same page', async () => {
    const deliverTail = bench.store.holdTail();
    const answer = bench.store.holdReads();
    const request = { topics: ['orders'], before: bench.place(10), limit: 5 };
    bench.feed.history(request).subscribe({ next: deliverTail });
    const second = bench.history(request);
    await bench.clock.settle();
    await bench.store.append(await retractionDrafts({ id: 'n7', topic: 'orders' }, new Date(0)));
    answer();
    await bench.clock.settle();
    expect(second.ids).toEqual([['n10', 'n9', 'n8', 'n6']]);
  });

  test('is rejected with the error of the store', async () => {
    bench.store.fail(new Error('down'));
    const page = bench.history();
    await bench.clock.settle();
    expect(page.error).toEqual(new Error('down'));
    bench.store.fail();
  });

  test('ends when the node drains', async () => {
    const release = bench.store.holdReads();
    const page = bench.history();
    await bench.clock.settle();
    const drained = bench.feed.drain();
    await bench.clock.settle();
    expect(page.error).toMatchObject({ code: 'draining' });
    release();
    await drained;
    expect(bench.history().error).toMatchObject({ code: 'draining' });
  });

  test('ends when its subscriber is revoked during the read', async () => {
    const release = bench.store.holdReads();
    const page = bench.history(ANN);
    await bench.clock.settle();
    await bench.feed.revoke({ subscriber: 'ann', topics: ['orders'] });
    release();
    await bench.clock.settle();
    expect(page.pages).toEqual([]);
    expect(page.error).toMatchObject({ code: 'draining', message: /^Access changed/ });
  });

  test('ends when its subscriber was revoked after the check of its access', async () => {
    await bench.feed.revoke({ subscriber: 'ann' });
    const page = bench.history(ANN);
    await bench.clock.settle();
    expect(page.error).toMatchObject({ code: 'draining', message: /^Access changed/ });
  });

  test('continues when another subscriber, or another topic, is revoked', async () => {
    const release = bench.store.holdReads();
    const page = bench.history(ANN);
    await bench.clock.settle();
    await bench.feed.revoke({ subscriber: 'ann', topics: ['other'] });
    await bench.feed.revoke({ subscriber: 'bob' });
    release();
    await bench.clock.settle();
    expect(page.ids).toEqual([numbered(10, 1)]);
  });

  test('delivers nothing of a topic that the rules no longer allow', async () => {
    await bench.store.append([draft('secret', { topic: 'secret' })]);
    const rights = { allowed: async (topics: readonly string[]) => topics.filter((topic) => topic !== 'secret') };
    const both = bench.history({ ...ANN, topics: ['orders', 'secret'], rights });
    await bench.clock.settle();
    expect(both.pages).toEqual([]);
    expect(both.error).toMatchObject({ code: 'draining' });
    const allowed = bench.history({ ...ANN, rights });
    await bench.clock.settle();
    expect(allowed.ids).toEqual([numbered(10, 1)]);
  });

  test('of a subscriber delivers nothing that this node has not received yet', async () => {
    const releaseTail = bench.store.holdTail();
    await bench.store.append([draft('n11')]);
    const latest = bench.history({ ...ANN, limit: 1 });
    await bench.clock.settle();
    expect(latest.ids).toEqual([['n10']]);
    const ahead = bench.history({ ...ANN, before: bench.place(11) });
    await bench.clock.settle();
    expect(ahead.error).toMatchObject({ code: 'draining' });
    releaseTail();
    const retried = bench.history({ ...ANN, before: bench.place(11), limit: 1 });
    await bench.clock.settle();
    expect(retried.ids).toEqual([['n11']]);
  });
});
