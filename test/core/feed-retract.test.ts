import { describe, expect, test } from '@jest/globals';
import { NotificationsError } from '../../src/core/errors.js';
import { Feed } from '../../src/core/feed.js';
import type { LogPage } from '../../src/core/page.js';
import {
  isRetraction,
  type Retraction,
  retractionDrafts,
  retractionsIn,
  withoutRetractions,
} from '../../src/core/retraction.js';
import type { Rights } from '../../src/core/rights.js';
import { draft, drafts } from '../support/drafts.js';
import { FeedBench, LIMITS, WAIT_MS, type Watched } from '../support/feed.js';

/** Reads come from the window, or from the store if the window is too small. */
const SOURCES = [
  ['the window', {}],
  ['the store', { windowCount: 1 }],
] as const;

const TOPIC = 'orders';
const of = (id: string, topic = TOPIC): Retraction => ({ id, topic });

/** The ids of the notifications on all pages, and the retractions. */
function received({ pages }: Watched): { ids: string[]; retracted: string[] } {
  return {
    ids: pages.flatMap(({ entries }) => withoutRetractions(entries).map(({ id }) => id)),
    retracted: pages.flatMap(({ entries }) => retractionsIn(entries).map(({ id }) => id)),
  };
}

/** Reads all pages after a position. */
async function readAll(bench: FeedBench, { after = 0, limit = 100 } = {}): Promise<ReturnType<typeof received>> {
  const pages: LogPage[] = [];
  for (let position = after; position < bench.head.position; position = pages.at(-1)!.position) {
    const poll = bench.poll({ after: bench.place(position), limit, waitMs: 0 });
    await bench.clock.settle();
    expect(poll.last!.position).toBeGreaterThan(position);
    pages.push(...poll.pages);
  }
  return received({ pages } as Watched);
}

async function retract(bench: FeedBench, id: string, topic = TOPIC): Promise<void> {
  await bench.feed.retract(of(id, topic));
  await bench.clock.settle();
}

describe.each(SOURCES)('a retracted notification, read from %s', (_, limits) => {
  test('is skipped, and the retraction is delivered in the order of the log', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append(drafts(3));
    await retract(bench, 'n2');
    await bench.store.append([draft('n4')]);
    const poll = bench.poll({ after: bench.place(0) });
    await bench.clock.settle();
    expect(received(poll)).toEqual({ ids: ['n1', 'n3', 'n4'], retracted: ['n2'] });
    expect(poll.last!.entries.map((entry) => isRetraction(entry))).toEqual([false, false, true, false]);
    await bench.expectNothingLeft();
  });

  test('reaches a client that was away', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append(drafts(3));
    await retract(bench, 'n2');
    expect(await readAll(bench, { after: 3 })).toEqual({ ids: [], retracted: ['n2'] });
  });

  test('is skipped at any limit, and the cursor moves on', async () => {
    const bench = await FeedBench.open({ ...limits, pageBytesMax: 500 });
    await bench.store.append(drafts(8));
    for (const id of ['n1', 'n2', 'n3', 'n5', 'n8']) await retract(bench, id);
    const ids = ['n4', 'n6', 'n7'];
    const retracted = ['n1', 'n2', 'n3', 'n5', 'n8'];
    for (const limit of [1, 2, 3, 100]) expect(await readAll(bench, { limit })).toEqual({ ids, retracted });
  });

  test('is not in the history, and neither is its retraction', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append(drafts(3));
    await retract(bench, 'n2');
    const page = bench.history();
    await bench.clock.settle();
    expect(page.ids).toEqual([['n3', 'n1']]);
    // The record of the retraction is not on these pages.
    const older = [bench.history({ before: bench.place(3) }), bench.history({ before: bench.place(3) })];
    await bench.clock.settle();
    expect(older[0]!.ids).toEqual([['n3', 'n1']]);
    expect(older[1]!.last).toBe(older[0]!.last);
  });

  test('of another topic stays, and so does a notification with another id', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append([draft('a'), draft('b'), draft('c', { topic: 'other' })]);
    await retract(bench, 'a', 'other');
    await retract(bench, 'x');
    const poll = bench.poll({ topics: [TOPIC, 'other'], after: bench.place(0) });
    await bench.clock.settle();
    expect(received(poll)).toEqual({ ids: ['a', 'b', 'c'], retracted: ['a', 'x'] });
  });

  test('is not on a page that was shared before', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append(drafts(3));
    const topics = [TOPIC];
    const request = { topics, after: bench.place(0) };
    const first = bench.poll(request);
    await bench.clock.settle();
    expect(received(first).ids).toEqual(['n1', 'n2', 'n3']);
    // The record of the retraction has not reached this node yet.
    const release = bench.store.holdTail();
    await retract(bench, 'n2');
    const second = bench.poll(request);
    await bench.clock.settle();
    expect(received(second).ids).toEqual(['n1', 'n3']);
    release();
    await bench.clock.settle();
  });

  test('is not delivered if it is retracted during its access check', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append(drafts(3));
    let allow = (): void => undefined;
    const rights: Rights = { allowed: (topics) => new Promise((resolve) => (allow = () => resolve(topics))) };
    const poll = bench.poll({ after: bench.place(0), rights });
    await bench.clock.settle();
    const release = bench.store.holdTail();
    await retract(bench, 'n2');
    allow();
    await bench.clock.settle();
    expect(received(poll).ids).toEqual(['n1', 'n3']);
    release();
    await bench.expectNothingLeft();
  });

  test('still replaces older notifications of its key', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append([draft('v1', { key: 'k' }), draft('v2', { key: 'k' }), draft('end')]);
    await retract(bench, 'v2');
    expect(await readAll(bench)).toEqual({ ids: ['end'], retracted: ['v2'] });
  });

  test('does not hide a newer notification of its key', async () => {
    const bench = await FeedBench.open(limits);
    await bench.store.append([draft('v1', { key: 'k' }), draft('v2', { key: 'k' }), draft('end')]);
    await retract(bench, 'v1');
    expect(await readAll(bench)).toEqual({ ids: ['v2', 'end'], retracted: ['v1'] });
  });
});

test('a retraction wakes the waiting polls and streams of its topic, and no others', async () => {
  const bench = await FeedBench.open();
  await bench.store.append(drafts(1));
  await bench.clock.settle();
  const [poll, stream, other] = [bench.poll(), bench.follow(), bench.poll({ topics: ['other'] })];
  await retract(bench, 'n1');
  expect(received(poll)).toEqual({ ids: [], retracted: ['n1'] });
  expect(received(stream)).toEqual({ ids: [], retracted: ['n1'] });
  expect(other.pages).toEqual([]);
  stream.leave();
  other.leave();
  await bench.expectNothingLeft();
});

test('the totals do not count a retraction as a delivered notification', async () => {
  const bench = await FeedBench.open();
  await bench.store.append(drafts(2));
  await retract(bench, 'n1');
  await readAll(bench);
  expect(bench.feed.totals()).toMatchObject({ delivered: 1, pages: 1 });
});

test('a repeated retraction appends nothing', async () => {
  const bench = await FeedBench.open();
  await bench.store.append(drafts(1));
  await retract(bench, 'n1');
  const { position } = bench.head;
  await retract(bench, 'n1');
  await Promise.all([retract(bench, 'n1'), retract(bench, 'n1')]);
  expect(bench.head.position).toBe(position);
});

test('an id that is published again after its retraction is delivered, and can be retracted again', async () => {
  const bench = await FeedBench.open({ windowCount: 1 }, { idempotencyCount: 1 });
  await bench.store.append(drafts(1));
  await retract(bench, 'n1');
  await bench.store.append(drafts(3, 'm'));
  await bench.store.append(drafts(1));
  expect(await readAll(bench)).toEqual({ ids: ['m1', 'm2', 'm3', 'n1'], retracted: ['n1'] });
  await retract(bench, 'n1');
  expect(await readAll(bench)).toEqual({ ids: ['m1', 'm2', 'm3'], retracted: ['n1', 'n1'] });
});

describe('a node', () => {
  const openNode = ({ store, clock }: FeedBench) => Feed.open({ store, clock, limits: LIMITS });

  test('knows the retractions when it starts later', async () => {
    const bench = await FeedBench.open();
    await bench.store.append(drafts(2_500));
    for (let at = 1; at <= 2_400; at += 2) await bench.feed.retract(of(`n${at}`));
    const later = await openNode(bench);
    const page = await new Promise<LogPage>((resolve) => {
      later.history({ topics: [TOPIC], before: { ...bench.head, position: 10 }, limit: 100 }).subscribe(resolve);
    });
    expect(page.entries.map(({ id }) => id)).toEqual(['n10', 'n8', 'n6', 'n4', 'n2']);
    await later.close();
  });

  test('loads the retractions that it missed while its tail was cut off', async () => {
    const bench = await FeedBench.open();
    await bench.store.append(drafts(3));
    await bench.clock.settle();
    await bench.store.appendUnnoticed(await retractionDrafts(of('n2'), new Date(0)));
    expect(await readAll(bench, { limit: 1 })).toEqual({ ids: ['n1', 'n3'], retracted: ['n2'] });
  });

  test('delivers no page of the store while it cannot load them', async () => {
    const bench = await FeedBench.open();
    await bench.store.append(drafts(3));
    await bench.clock.settle();
    const poll = bench.poll({ after: bench.place(0), limit: 1 });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n1']]);
    await bench.store.appendUnnoticed(await retractionDrafts(of('n2'), new Date(0)));
    const answer = bench.store.holdReads();
    const late = bench.poll({ after: bench.place(1), limit: 1 });
    await bench.clock.settle();
    bench.store.fail(new NotificationsError('store_unavailable', 'the engine is down'));
    answer();
    await bench.clock.settle();
    expect(late.error).toMatchObject({ code: 'store_unavailable' });
    bench.store.fail();
    expect(await readAll(bench, { after: 1, limit: 1 })).toEqual({ ids: ['n3'], retracted: ['n2'] });
  });

  test.each([
    ['a poll', (bench: FeedBench) => bench.poll({ after: bench.place(1), limit: 1, waitMs: 0 })],
    ['the history', (bench: FeedBench) => bench.history({ before: bench.place(2), limit: 1 })],
  ])('reads the page of %s again if the log was lost before its retractions were loaded', async (_, read) => {
    const bench = await FeedBench.open();
    await bench.store.append(drafts(3));
    await bench.clock.settle();
    await bench.store.appendUnnoticed(await retractionDrafts(of('n2'), new Date(0)));
    const answer = bench.store.holdReads();
    const late = read(bench);
    await bench.clock.settle();
    const release = bench.store.holdTail();
    await bench.store.wipe();
    await bench.store.append([draft('m1')]);
    answer();
    await bench.clock.settle();
    expect(late.ids).toEqual([['m1']]);
    expect(late.last!.gap).toEqual({ reason: 'reset' });
    release();
    await bench.clock.settle();
    await bench.expectNothingLeft();
  });

  test('reads a page again if retention removed a missed retraction during the read', async () => {
    const bench = await FeedBench.open({ windowCount: 1 }, { retainCount: 3 });
    await bench.store.append(drafts(3));
    await bench.clock.settle();
    const answer = bench.store.holdReads();
    const poll = bench.poll({ after: bench.place(0) });
    await bench.store.appendUnnoticed(await retractionDrafts(of('n2'), new Date(0)));
    await bench.store.appendUnnoticed(drafts(3, 'm'));
    answer();
    await bench.clock.settle();
    expect(poll.ids).toEqual([['m1', 'm2', 'm3']]);
    expect(poll.last!.gap).toEqual({ reason: 'expired' });
    await bench.expectNothingLeft();
  });

  test('keeps the retractions that a failover has kept, and no others', async () => {
    const bench = await FeedBench.open();
    await bench.store.append(drafts(3));
    await retract(bench, 'n1');
    const { position } = bench.head;
    await retract(bench, 'n2');
    await bench.store.failOver(position);
    expect(await readAll(bench, { limit: 1 })).toEqual({ ids: ['n2', 'n3'], retracted: ['n1'] });
  });

  test.each([
    ['a node that has received the retraction', false],
    ['a node that has not received the retraction', true],
  ])('delivers what a failover restored during a load of the retractions, on %s', async (_, isBehind) => {
    const bench = await FeedBench.open({ windowCount: 2 });
    await bench.store.append(drafts(10));
    await bench.clock.settle();
    await bench.store.appendUnnoticed([draft('quiet', { topic: 'quiet' })]);
    if (isBehind) await bench.store.cutTail();
    await bench.store.append(await retractionDrafts(of('n5'), new Date(0)));
    await bench.clock.settle();
    const answer = bench.store.holdReads();
    const first = bench.poll({ after: bench.place(3), limit: 1 });
    await bench.clock.settle();
    await bench.store.failOver(11);
    answer();
    await bench.clock.settle();
    expect(first.ids).toEqual([['n4']]);
    expect(await readAll(bench, { after: 4 })).toEqual({
      ids: drafts(10)
        .slice(4)
        .map(({ id }) => id),
      retracted: [],
    });
  });

  test('does not deliver what it has retracted when a lossless failover overtakes its tail', async () => {
    const bench = await FeedBench.open();
    await bench.store.append(drafts(10));
    await bench.clock.settle();
    await bench.store.cutTail();
    await bench.feed.retract(of('n5'));
    await bench.store.failOver(12, { tailAt: 10 });
    const poll = bench.poll({ after: bench.place(3), limit: 2 });
    const page = bench.history({ before: bench.place(6), limit: 3 });
    await bench.clock.settle();
    expect(poll.ids).toEqual([['n4', 'n6']]);
    expect(page.ids).toEqual([['n6', 'n4']]);
  });

  test('delivers the same ids in another log, which has no retraction of them', async () => {
    const bench = await FeedBench.open({ windowCount: 1 });
    await bench.store.append(drafts(3));
    await retract(bench, 'n1');
    await bench.store.wipe();
    await bench.store.append(drafts(3));
    await bench.clock.settle();
    expect(await readAll(bench)).toEqual({ ids: ['n1', 'n2', 'n3'], retracted: [] });
  });
});

test('a retraction that the store rejects retracts nothing', async () => {
  const bench = await FeedBench.open();
  await bench.store.append(drafts(2));
  await bench.clock.settle();
  await bench.store.close();
  await expect(bench.feed.retract(of('n1'))).rejects.toMatchObject({ code: 'store_unavailable' });
  const poll = bench.poll({ after: bench.place(0) });
  await bench.clock.advance(WAIT_MS);
  expect(received(poll).ids).toEqual(['n1', 'n2']);
});
