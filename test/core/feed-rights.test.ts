import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { revocationsTopic } from '../../src/core/revocation.js';
import type { Rights } from '../../src/core/rights.js';
import { drafts } from '../support/drafts.js';
import { FeedBench, WAIT_MS, poll } from '../support/feed.js';
import { Cursors } from '../../src/wire/cursor.js';
import { PageEncoder } from '../../src/wire/encoder.js';

const TOPICS = ['a', 'b'];

describe.each([
  ['at once', (topics: readonly string[]) => topics],
  ['later', (topics: readonly string[]) => Promise.resolve(topics)],
])('access checks that resolve %s', (_, answer) => {
  let bench: FeedBench;
  let granted: Set<string>;
  let rights: Rights;

  beforeEach(async () => {
    bench = await FeedBench.open();
    granted = new Set(TOPICS);
    rights = { allowed: (topics) => answer(topics.filter((topic) => granted.has(topic))) };
  });
  afterEach(() => bench.expectNothingLeft());

  const append = async (topic: string, id: string): Promise<void> => {
    await bench.store.append([{ ...drafts(1, id, topic)[0]!, id }]);
    await bench.clock.settle();
  };

  test('are checked for a replay; nothing is delivered if one topic is forbidden', async () => {
    const { head } = bench;
    for (const [topic, id] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
    ] as const)
      await append(topic, id);
    granted.delete('b');
    const poll = bench.poll({ topics: TOPICS, after: head, rights });
    await bench.clock.settle();
    expect(poll.pages).toMatchObject([{ entries: [], position: head.position, ending: 'rights' }]);
  });

  test('are checked for new notifications: a poll ends before them', async () => {
    const { head } = bench;
    const poll = bench.poll({ topics: ['a'], rights });
    granted.clear();
    await append('a', 'a1');
    expect(poll.pages).toMatchObject([{ entries: [], position: head.position, ending: 'rights' }]);
    expect(poll.completed).toBe(true);
  });

  test('end a stream if one topic was revoked, so that no notification is skipped silently', async () => {
    const stream = bench.follow({ topics: TOPICS, rights });
    await append('b', 'b1');
    await append('a', 'a1');
    granted.delete('a');
    await append('b', 'b2');
    await append('a', 'a2');
    expect(stream.ids.flat()).toEqual(['b1', 'a1', 'b2']);
    expect(stream.last).toMatchObject({ ending: 'rights', position: bench.head.position - 1 });
    granted.add('a');
    const next = bench.follow({ topics: TOPICS, rights, after: { ...bench.head, position: stream.last!.position } });
    await bench.clock.settle();
    expect(next.ids.flat()).toEqual(['a2']);
    next.leave();
  });

  test('are not checked for an empty page', async () => {
    const poll = bench.poll({ topics: ['a'], rights: { allowed: () => Promise.reject(new Error('asked')) } });
    await bench.clock.advance(WAIT_MS);
    expect(poll.ids).toEqual([[]]);
  });

  test('end the waiter with their error if they fail', async () => {
    const error = new Error('no answer');
    const thrown = bench.poll({
      topics: ['a'],
      rights: {
        allowed: () => {
          throw error;
        },
      },
    });
    const rejected = bench.follow({ topics: ['a'], rights: { allowed: () => Promise.reject(error) } });
    await append('a', 'a1');
    expect([thrown.error, rejected.error]).toEqual([error, error]);
  });
});

describe('revoke', () => {
  let bench: FeedBench;
  beforeEach(async () => (bench = await FeedBench.open()));
  afterEach(() => bench.expectNothingLeft());

  const revoke = async (subscriber: string, topics?: readonly string[]): Promise<void> => {
    await bench.feed.revoke({ subscriber, topics });
    await bench.clock.settle();
  };
  const append = async (topic: string, id: string): Promise<void> => {
    await bench.store.append([{ ...drafts(1, id, topic)[0]!, id }]);
    await bench.clock.settle();
  };

  test('ends the polls and streams of a subscriber only', async () => {
    const ended = [bench.poll({ subscriber: 'ann' }), bench.follow({ subscriber: 'ann' })];
    const others = [bench.poll({ subscriber: 'bob' }), bench.follow({})];
    await revoke('ann');
    expect(ended.map(({ last, completed }) => [last?.ending, completed])).toEqual([
      ['rights', true],
      ['rights', true],
    ]);
    await append('orders', 'n1');
    expect(others.map(({ ids }) => ids)).toEqual([[['n1']], [['n1']]]);
    for (const other of others) other.leave();
  });

  test('may be missed when the tail skips positions; waiters without delivery checks end', async () => {
    const rights: Rights = { allowed: (topics) => topics };
    const ended = [bench.follow({ subscriber: 'ann' }), bench.poll({ subscriber: 'bob' })];
    const asked = bench.follow({ subscriber: 'ann', rights });
    const nobody = bench.follow({});
    await bench.store.appendUnnoticed(drafts(1, 'o', 'other'));
    await bench.clock.settle();
    expect(ended.map(({ last }) => last?.ending)).toEqual(['rights', 'rights']);
    expect([asked.completed, nobody.completed]).toEqual([false, false]);
    asked.leave();
    nobody.leave();
  });

  test('with topics ends the requests for these topics, before pending deliveries', async () => {
    const place = bench.head;
    const stream = bench.follow({ topics: TOPICS, subscriber: 'ann' });
    const others = bench.follow({ topics: ['b'], subscriber: 'ann' });
    await bench.store.append([...drafts(1, 'a', 'a'), ...drafts(1, 'b', 'b')]);
    // Both are queued for delivery.
    void bench.feed.revoke({ subscriber: 'ann', topics: ['a', 'c'] });
    await bench.clock.settle();
    expect(stream.ids.flat()).toEqual([]);
    expect(stream.last).toMatchObject({ ending: 'rights', position: place.position });
    others.leave();
  });

  test('reaches a waiter whose read of the store is under way', async () => {
    const small = await FeedBench.open({ windowCount: 1 });
    const place = small.head;
    await small.store.append([...drafts(1, 'a', 'a'), ...drafts(1, 'b', 'b')]);
    const answer = small.store.holdReads();
    const poll = small.poll({ topics: TOPICS, after: place, subscriber: 'ann' });
    await small.clock.settle();
    void small.feed.revoke({ subscriber: 'ann', topics: ['a'] });
    answer();
    await small.clock.settle();
    expect(poll.pages).toMatchObject([{ entries: [], position: place.position, ending: 'rights' }]);
    await small.expectNothingLeft();
  });

  test('reaches waiters of other nodes before later entries of the log', async () => {
    const stream = bench.follow({ subscriber: 'ann' });
    const pass = bench.store.holdTail();
    await bench.feed.revoke({ subscriber: 'zoe' });
    await bench.store.append(drafts(1));
    // Appends the record as another node does. This feed reads it from the log.
    const [record] = (await recordsOf('ann'))!;
    await bench.store.append([record!, ...drafts(1, 'late')]);
    pass();
    await bench.clock.settle();
    expect(stream.pages).toMatchObject([{ entries: [], ending: 'rights' }]);
  });

  test('is not overtaken by later entries of a store that is ahead of this node', async () => {
    const pass = bench.store.holdTail();
    const [record] = (await recordsOf('ann'))!;
    await bench.store.append([...drafts(1, 'before'), record!, ...drafts(1, 'late')]);
    const stream = bench.follow({ subscriber: 'ann', after: 'earliest' });
    await bench.clock.settle();
    expect(bench.store.reads.length).toBeGreaterThan(0);
    expect(stream.ids.flat()).toEqual([]);
    pass();
    await bench.clock.settle();
    expect(stream.ids.flat()).toEqual([]);
    expect(stream.last?.ending).toBe('rights');
  });

  test('delays only entries that this node has not received', async () => {
    await append('orders', 'n1');
    const pass = bench.store.holdTail();
    await append('orders', 'n2');
    const stream = bench.follow({ subscriber: 'ann', after: 'earliest' });
    await bench.clock.settle();
    expect(stream.ids.flat()).toEqual(['n1']);
    pass();
    await bench.clock.settle();
    expect(stream.ids.flat()).toEqual(['n1', 'n2']);
    stream.leave();
  });

  test('delays them also if another caller has encoded the same page', async () => {
    await append('orders', 'n1');
    const pass = bench.store.holdTail();
    await append('orders', 'n2');
    const encoder = new PageEncoder(new Cursors());
    const bodies: string[] = [];
    const request = { topics: ['orders'], after: 'earliest', limit: 10, waitMs: WAIT_MS } as const;
    for (const subscriber of [undefined, 'ann']) {
      poll(bench.feed, { ...request, subscriber }).subscribe((page) => bodies.push(String(encoder.body(page).content)));
    }
    await bench.clock.settle();
    expect(bodies.map((body) => body.includes('n21'))).toEqual([true, false]);
    pass();
    await bench.clock.settle();
  });

  test('keeps the position of a client that is ahead of this node, also behind a gap', async () => {
    bench = await FeedBench.open({}, { retainCount: 2 });
    await append('orders', 'n1');
    const pass = bench.store.holdTail();
    await bench.store.append(drafts(4, 'late'));
    const poll = bench.poll({ subscriber: 'ann', after: bench.place(2) });
    await bench.clock.settle();
    expect(poll.pages).toMatchObject([{ entries: [], position: 3, gap: { reason: 'expired' } }]);
    const next = bench.poll({ subscriber: 'ann', after: bench.place(3) });
    await bench.clock.settle();
    expect(next.pages).toEqual([]);
    pass();
    await bench.clock.settle();
    expect(next.last).toMatchObject({ entries: [{ position: 4 }, { position: 5 }], position: 5 });
    expect(next.last?.gap).toBeUndefined();
  });

  test('ends a request that starts to wait after the revocation, if its access was checked earlier', async () => {
    const { revocations } = bench.feed;
    const place = bench.head;
    await bench.feed.revoke({ subscriber: 'ann' });
    await append('orders', 'n1');
    const poll = bench.poll({ subscriber: 'ann', revocations, after: place });
    expect(poll.pages).toMatchObject([{ entries: [], position: place.position, ending: 'rights' }]);
    expect(bench.poll({ subscriber: 'ann', revocations, after: 'earliest' }).error).toMatchObject({ code: 'draining' });
    const checkedAnew = bench.poll({ subscriber: 'ann', revocations: bench.feed.revocations, after: place });
    const ofAnother = bench.poll({ subscriber: 'bob', revocations, after: place });
    await bench.clock.settle();
    expect([checkedAnew.ids, ofAnother.ids]).toEqual([[['n1']], [['n1']]]);
  });

  test('ends a request checked before a revocation that may have been missed', async () => {
    const { revocations } = bench.feed;
    const place = bench.head;
    await bench.store.appendUnnoticed(drafts(1, 'o', 'other'));
    const poll = bench.poll({ subscriber: 'ann', revocations, after: place, rights: { allowed: (topics) => topics } });
    expect(poll.last).toMatchObject({ ending: 'rights' });
  });

  test('is never delivered', async () => {
    const stream = bench.follow({ topics: ['orders'], after: 'earliest' });
    await revoke('ann');
    await append('orders', 'n1');
    expect(stream.ids.flat()).toEqual(['n1']);
    stream.leave();
  });

  test('takes effect on this node, and rejects, when the store is unavailable', async () => {
    const poll = bench.poll({ subscriber: 'ann' });
    await bench.store.close();
    await expect(bench.feed.revoke({ subscriber: 'ann' })).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(poll.last?.ending).toBe('rights');
  });

  test('a record that cannot be parsed is skipped', async () => {
    const poll = bench.poll({ subscriber: 'ann' });
    const record = (json: string, id: string) => ({ id, topic: '$revocations', json });
    await bench.store.append([
      record('{', 'r1'),
      record('{}', 'r2'),
      record('{"data":{"subscriber":7}}', 'r3'),
      record('{"data":{"subscriber":"ann","topics":"orders"}}', 'r4'),
    ]);
    await append('orders', 'n1');
    expect(poll.ids).toEqual([['n1']]);
  });

  async function recordsOf(subscriber: string) {
    const other = await FeedBench.open();
    await other.feed.revoke({ subscriber });
    const { entries } = await other.store.read({
      topics: [await revocationsTopic(subscriber)],
      after: 0,
      limit: 1,
      bytesMax: 1024,
    });
    return entries.map(({ id, topic, json }) => ({ id, topic, json }));
  }
});
