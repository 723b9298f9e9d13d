import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import { memoryStore } from 'nest-notifications';
import type { InboxOptions, InboxService, PerformedOperation } from 'nest-notifications/inbox';
import type { ReadResult, RemoveQuery, Store } from 'nest-notifications/store';
import { ManualClock } from 'nest-notifications/testing';
import { REMOVE_AFTER_MS } from '../../src/inbox/compaction.js';
import { loadInbox } from '../../src/inbox/inbox-fold.js';
import { inboxRecordOf } from '../../src/inbox/inbox-record.js';
import { itemState } from '../../src/inbox/inbox-state.js';
import { personalTopic, recordsTopic } from '../../src/inbox/nest/inbox-topics.js';
import { endTest } from '../support/http/cleanup.js';
import { idsOf, inboxNode, LaggingStore, shared } from '../support/inbox.js';

const clock = new ManualClock();

async function open(options: Partial<InboxOptions> = {}): Promise<InboxService> {
  return (await inboxNode({ clock, ...options })).inbox;
}

/** Sends items with the ids `a1` to `a<count>`. */
async function fill(inbox: InboxService, count: number, subscriber = 'ann'): Promise<void> {
  for (let n = 1; n <= count; n++) await inbox.send(subscriber, { id: `${subscriber[0]}${n}`, type: 'comment' });
}

function readAll(store: Store, topic: string): Promise<ReadResult> {
  return store.read({ topics: [topic], after: 0, limit: 100, bytesMax: 100_000 });
}

afterEach(endTest);

describe('a list', () => {
  test('has the items of the subscriber alone, newest first, with their state', async () => {
    const inbox = await open();
    await fill(inbox, 3);
    await fill(inbox, 2, 'bob');
    const page = await inbox.list('ann');
    expect(idsOf(page)).toEqual(['a3', 'a2', 'a1']);
    expect(page.items[0]).toMatchObject({ seen: false, read: false, archived: false });
    expect(page.counts).toEqual({ unseen: 3, unread: 3, total: 3, types: { comment: 3 }, cap: 99 });
    expect(page).toMatchObject({ more: false, trimmed: false });
  });

  test('is read in pages without a hole or a repetition', async () => {
    const inbox = await open();
    await fill(inbox, 25);
    const pages = [await inbox.list('ann', { limit: 10 })];
    while (pages.at(-1)!.more) pages.push(await inbox.list('ann', { limit: 10, before: pages.at(-1)!.cursor }));
    expect(pages.flatMap(idsOf)).toEqual(Array.from({ length: 25 }, (_, index) => `a${25 - index}`));
  });

  test.each([
    ['inbox', ['a6', 'a3', 'a2']],
    ['unread', ['a6', 'a3']],
    ['unseen', ['a6']],
    ['read', ['a2']],
    ['archived', ['a1']],
    ['snoozed', ['a5']],
  ] as const)('of the status %s', async (status, ids) => {
    const inbox = await open();
    await fill(inbox, 6);
    await inbox.markSeen('ann', 'a3');
    await inbox.markRead('ann', 'a2');
    await inbox.archive('ann', 'a1');
    await inbox.remove('ann', 'a4');
    await inbox.snooze('ann', 'a5', new Date(clock.now() + 1_000));
    expect(idsOf(await inbox.list('ann', { status }))).toEqual(ids);
  });

  test('of a status or a type is read in pages too', async () => {
    const inbox = await open();
    for (let n = 1; n <= 30; n++) await inbox.send('ann', { id: `a${n}`, type: n % 3 ? 'like' : 'comment' });
    const pages = [await inbox.list('ann', { type: 'comment', limit: 4 })];
    while (pages.at(-1)!.more) {
      pages.push(await inbox.list('ann', { type: ['comment'], limit: 4, before: pages.at(-1)!.cursor }));
    }
    expect(pages.flatMap(idsOf)).toEqual(Array.from({ length: 10 }, (_, index) => `a${30 - 3 * index}`));
    expect(pages[0]!.counts.types).toEqual({ like: 20, comment: 10 });
  });

  test('of a type continues with the next item if a page was full', async () => {
    const inbox = await open();
    for (let n = 1; n <= 30; n++) await inbox.send('ann', { id: `a${n}`, type: n % 3 ? 'like' : 'comment' });
    const pages = [await inbox.list('ann', { type: 'like', limit: 3 })];
    while (pages.at(-1)!.more) {
      pages.push(await inbox.list('ann', { type: 'like', limit: 3, before: pages.at(-1)!.cursor }));
    }
    const likes = Array.from({ length: 30 }, (_, index) => 30 - index).filter((n) => n % 3);
    expect(pages.flatMap(idsOf)).toEqual(likes.map((n) => `a${n}`));
  });

  test('reads 1,000 items at most for one page', async () => {
    const inbox = await open();
    await fill(inbox, 1_100);
    await inbox.archive('ann', 'a1099');
    const page = await inbox.list('ann', { status: 'archived' });
    expect([idsOf(page), page.more]).toEqual([['a1099'], true]);
    const older = await inbox.list('ann', { status: 'archived', before: page.cursor });
    expect([idsOf(older), older.more]).toEqual([[], false]);
  });

  test.each([
    [{ status: 'all' as never }, 'status_invalid'],
    [{ type: 'not a type' }, 'type_invalid'],
    [{ before: 'x' }, 'before_invalid'],
    [{ limit: 0 }, 'limit_invalid'],
  ])('rejects %j', async (request, code) => {
    await expect((await open()).list('ann', request)).rejects.toMatchObject({ code });
  });
});

describe('a broadcast', () => {
  const topics = (subscriber: string) => (subscriber === 'eve' ? [] : ['announcements']);

  test('is stored once and shown to each subscriber by the option `topics`', async () => {
    const inbox = await open({ topics });
    await fill(inbox, 1);
    await inbox.send({ topic: 'announcements' }, { id: 'news', type: 'release' });
    expect(idsOf(await inbox.list('ann'))).toEqual(['news', 'a1']);
    expect(idsOf(await inbox.list('new subscriber'))).toEqual(['news']);
    expect(idsOf(await inbox.list('eve'))).toEqual([]);
  });

  test('has its own state for each subscriber', async () => {
    const inbox = await open({ topics });
    await inbox.send({ topic: 'announcements' }, { id: 'news', type: 'release' });
    await inbox.remove('ann', 'news');
    expect(idsOf(await inbox.list('ann'))).toEqual([]);
    expect(idsOf(await inbox.list('bob'))).toEqual(['news']);
  });

  test('cannot be sent to the topic of one subscriber', async () => {
    const inbox = await open();
    const sent = inbox.send({ topic: 'inbox.0123' }, { type: 'release' });
    await expect(sent).rejects.toMatchObject({ code: 'topic_invalid' });
  });

  test('cannot be read from the topic of another subscriber', async () => {
    const inbox = await open({ topics: () => ['inbox.0123'] });
    await expect(inbox.list('ann')).rejects.toMatchObject({ code: 'topic_invalid' });
  });
});

describe('send', () => {
  test('appends an id once', async () => {
    const inbox = await open();
    expect(await inbox.send('ann', { id: 'a1', type: 'comment' })).toEqual({ id: 'a1', duplicate: false });
    expect(await inbox.send('ann', { id: 'a1', type: 'comment' })).toEqual({ id: 'a1', duplicate: true });
    expect((await inbox.counts('ann')).total).toBe(1);
  });

  test('rejects an id that was used for another recipient', async () => {
    const inbox = await open();
    await inbox.send('ann', { id: 'a1', type: 'comment' });
    await expect(inbox.send('bob', { id: 'a1', type: 'comment' })).rejects.toMatchObject({ code: 'id_reused' });
  });

  test('keeps the options of a publish: expiry and key', async () => {
    const inbox = await open();
    await inbox.send('ann', { id: 'old', type: 'likes', key: 'post-1', data: { count: 1 } });
    await inbox.send('ann', { id: 'new', type: 'likes', key: 'post-1', data: { count: 2 } });
    await inbox.send('ann', { id: 'short', type: 'offer', ttlMs: 1_000 });
    expect(idsOf(await inbox.list('ann'))).toEqual(['short', 'new']);
    await clock.advance(1_000);
    expect(idsOf(await inbox.list('ann'))).toEqual(['new']);
    expect((await inbox.counts('ann')).unread).toBe(1);
  });

  test.each(['', 'x'.repeat(201), '\udc00'])('rejects the recipient %j', async (recipient) => {
    const sent = (await open()).send(recipient, { type: 'comment' });
    await expect(sent).rejects.toMatchObject({ code: 'subscriber_invalid' });
  });
});

describe('an operation', () => {
  test('returns the counts after it', async () => {
    const inbox = await open();
    await fill(inbox, 3);
    const result = await inbox.markRead('ann', ['a1', 'a2']);
    expect(result).toMatchObject({ changed: true, unknown: [], counts: { unread: 1, unseen: 1, total: 3 } });
  });

  test('without an effect changes nothing, and reports `changed: false`', async () => {
    const { inbox, feed } = await inboxNode({ clock });
    await fill(inbox, 3);
    await inbox.markRead('ann', 'a1');
    const { published } = feed.totals();
    expect(await inbox.markRead('ann', 'a1')).toMatchObject({ changed: false, counts: { unread: 2 } });
    expect(feed.totals().published).toBe(published);
  });

  test('names ids that are not in the inbox, and changes the others', async () => {
    const inbox = await open();
    await fill(inbox, 2);
    await fill(inbox, 2, 'bob');
    const result = await inbox.archive('ann', ['a1', 'b1', 'none']);
    expect(result).toMatchObject({ changed: true, unknown: ['b1', 'none'], counts: { total: 1 } });
    expect((await inbox.counts('bob')).total).toBe(2);
  });

  test('does not find a removed item, so nothing restores it', async () => {
    const inbox = await open();
    await fill(inbox, 1);
    await inbox.remove('ann', 'a1');
    expect(await inbox.markUnread('ann', 'a1')).toMatchObject({ changed: false, unknown: ['a1'] });
    expect((await inbox.counts('ann')).total).toBe(0);
  });

  test('finds ids among the newest 1,000 items', async () => {
    const inbox = await open();
    await fill(inbox, 1_001);
    expect(await inbox.markRead('ann', ['a1', 'a2'])).toMatchObject({ changed: true, unknown: ['a1'] });
  });

  test('can be reversed', async () => {
    const inbox = await open();
    await fill(inbox, 1);
    await inbox.markRead('ann', 'a1');
    expect(await inbox.markUnread('ann', 'a1')).toMatchObject({ counts: { unread: 1, unseen: 0 } });
    await inbox.archive('ann', 'a1');
    expect(await inbox.unarchive('ann', 'a1')).toMatchObject({ counts: { total: 1 } });
  });

  test.each([
    [['read', []], 'body_invalid'],
    [['read', Array.from({ length: 101 }, (_, n) => `a${n}`)], 'body_invalid'],
    [['read', ['not an id']], 'id_invalid'],
    [['read', { upTo: 'x' }], 'cursor_invalid'],
  ] as const)('rejects %j', async ([, target], code) => {
    const inbox = await open();
    await expect(inbox.markRead('ann', target as never)).rejects.toMatchObject({ code });
  });

  test('is emitted once, if it changed the inbox', async () => {
    const inbox = await open();
    await fill(inbox, 2);
    const performed: PerformedOperation[] = [];
    inbox.changes$.subscribe((operation) => performed.push(operation));
    await inbox.markRead('ann', 'a1');
    await inbox.markRead('ann', 'a1');
    await inbox.archive('ann', { upTo: (await inbox.list('ann')).follow });
    expect(performed).toEqual([
      { subscriber: 'ann', op: 'read', ids: ['a1'], upTo: false },
      { subscriber: 'ann', op: 'archive', ids: ['a2'], upTo: true },
    ]);
  });
});

describe('"mark all as read"', () => {
  test('leaves an item unread that arrived after the list was shown', async () => {
    const inbox = await open();
    await fill(inbox, 3);
    const shown = await inbox.list('ann');
    await inbox.send('ann', { id: 'late', type: 'comment' });
    const { counts } = await inbox.markRead('ann', { upTo: shown.follow });
    expect(counts.unread).toBe(1);
    expect(idsOf(await inbox.list('ann', { status: 'unread' }))).toEqual(['late']);
  });

  test('twice needs one record', async () => {
    const inbox = await open();
    await fill(inbox, 3);
    await inbox.markRead('ann', { upTo: (await inbox.list('ann')).follow });
    const again = await inbox.markRead('ann', { upTo: (await inbox.list('ann')).follow });
    expect(again.changed).toBe(false);
  });

  test('with types leaves items of other types, and later items, unread', async () => {
    const inbox = await open({ topics: () => ['news'] });
    await fill(inbox, 2);
    await inbox.send('ann', { id: 'like', type: 'like' });
    await inbox.send({ topic: 'news' }, { id: 'news', type: 'comment' });
    const { follow } = await inbox.list('ann');
    await inbox.send('ann', { id: 'late', type: 'comment' });
    await inbox.remove('ann', 'a1');
    const performed: PerformedOperation[] = [];
    inbox.changes$.subscribe((operation) => performed.push(operation));
    const target = { upTo: follow, type: 'comment' };
    const result = await inbox.markRead('ann', target);
    expect(result).toMatchObject({ changed: true, unknown: [], counts: { unread: 2, types: { comment: 1, like: 1 } } });
    expect(await inbox.markRead('ann', target)).toMatchObject({ changed: false, unknown: [] });
    expect(performed).toEqual([{ subscriber: 'ann', op: 'read', ids: ['news', 'a2'], upTo: false }]);
    expect(await inbox.archive('ann', { upTo: follow, type: ['like', 'none'] })).toMatchObject({ changed: true });
    expect(idsOf(await inbox.list('ann'))).toEqual(['late', 'news', 'a2']);
    expect(await inbox.markRead('ann', { upTo: follow, type: 'none' })).toMatchObject({ changed: false });
  });

  test('with types records only the items that it changes', async () => {
    const inbox = await open();
    await fill(inbox, 3);
    await inbox.markRead('ann', 'a2');
    const performed: PerformedOperation[] = [];
    inbox.changes$.subscribe((operation) => performed.push(operation));
    const { follow } = await inbox.list('ann');
    await inbox.markRead('ann', { upTo: follow, type: 'comment' });
    expect(performed).toEqual([{ subscriber: 'ann', op: 'read', ids: ['a3', 'a1'], upTo: false }]);
  });

  test('with types changes 250 items at once, on all nodes', async () => {
    const factory = shared(memoryStore());
    const [first, second] = [await open({ store: factory }), await open({ store: factory })];
    await fill(first, 250);
    await first.send('ann', { id: 'like', type: 'like' });
    const { follow } = await first.list('ann');
    await first.markRead('ann', { upTo: follow, type: 'comment' });
    for (const inbox of [first, second]) expect((await inbox.counts('ann')).types).toEqual({ like: 1 });
    const store = await factory({ clock, logger: { warn: () => undefined, error: () => undefined } });
    const query = { topics: [recordsTopic('ann')], after: 0, limit: 10, bytesMax: 2 ** 30 };
    const { entries } = await store.read(query);
    const sizes = entries.map(({ json }) => (JSON.parse(json) as { data: { ids: string[] } }).data.ids.length);
    expect(sizes).toEqual([100, 100, 50]);
  });

  test('in an empty inbox changes nothing', async () => {
    const inbox = await open();
    expect(await inbox.markRead('ann', { upTo: (await inbox.list('ann')).follow })).toMatchObject({ changed: false });
  });

  test.each([undefined, 'comment'])('rejects a cursor of another log (type: %s)', async (type) => {
    const [inbox, other] = [await open(), await open()];
    await fill(other, 3);
    const { follow } = await other.list('ann');
    await fill(inbox, 3);
    await expect(inbox.markRead('ann', { upTo: follow, type })).rejects.toMatchObject({ code: 'cursor_invalid' });
    expect((await inbox.counts('ann')).unread).toBe(3);
  });
});

describe('a snoozed item', () => {
  test('is hidden until its time, and then it is new', async () => {
    const inbox = await open();
    await fill(inbox, 2);
    await inbox.markRead('ann', 'a1');
    const until = new Date(clock.now() + 1_000);
    const { counts } = await inbox.snooze('ann', 'a1', until);
    expect(counts).toMatchObject({ unread: 1, total: 1, snoozeEndsAt: until.toISOString() });
    await clock.advance(1_000);
    expect(await inbox.counts('ann')).toEqual({ unseen: 2, unread: 2, total: 2, types: { comment: 2 }, cap: 99 });
  });

  test('is shown again at once by unsnooze', async () => {
    const inbox = await open();
    await fill(inbox, 1);
    await inbox.snooze('ann', 'a1', new Date(clock.now() + 1_000));
    expect(await inbox.unsnooze('ann', 'a1')).toMatchObject({ counts: { unread: 1 } });
  });

  test.each([-1, 0, 367 * 24 * 3_600_000, NaN])('cannot be snoozed for %i ms', async (ms) => {
    const inbox = await open();
    const snoozed = inbox.snooze('ann', 'a1', new Date(clock.now() + ms));
    await expect(snoozed).rejects.toMatchObject({ code: 'option_invalid' });
  });
});

describe('the number of exceptions', () => {
  test('is bounded: watermarks replace them, and otherwise the operation is rejected', async () => {
    const inbox = await open({ operations: { exceptionsMax: 10 } });
    await fill(inbox, 60);
    const odd = Array.from({ length: 30 }, (_, index) => `a${2 * index + 1}`);
    for (const id of odd.slice(0, 5)) await inbox.markRead('ann', id);
    await expect(inbox.markRead('ann', odd)).rejects.toMatchObject({ code: 'inbox_full' });
    expect((await inbox.counts('ann')).unread).toBe(55);
    await inbox.markRead('ann', ['a2', 'a4', 'a6', 'a8']);
    expect((await inbox.counts('ann')).unread).toBe(51);
    expect(idsOf(await inbox.list('ann', { status: 'read' }))).toEqual([
      'a9',
      'a8',
      'a7',
      'a6',
      'a5',
      'a4',
      'a3',
      'a2',
      'a1',
    ]);
  });
});

describe('a snapshot that an operation needs', () => {
  test('does not include the operation, which a failover may lose', async () => {
    const store = memoryStore();
    let opened: Store | undefined;
    const inbox = await open({
      store: async (runtime) => (opened = await store(runtime)),
      operations: { exceptionsMax: 10 },
    });
    await fill(inbox, 10);
    for (const n of [1, 3, 5, 7, 9]) await inbox.markRead('ann', `a${n}`);
    await inbox.markRead('ann', ['a2', 'a4', 'a6', 'a8']);
    const [items, records] = await Promise.all([personalTopic, recordsTopic].map((of) => readAll(opened!, of('ann'))));
    const kept = records!.entries.slice(0, -1);
    const { state, upTo } = await loadInbox(async () => ({ ...records!, entries: kept.toReversed() }));
    expect(kept.map(inboxRecordOf).at(-1)).toHaveProperty('snapshot');
    expect(upTo).toBe(kept.at(-1)!.position);
    const read = items!.entries.filter(({ position }) => itemState(state, position).read);
    expect(read.map(({ id }) => id)).toEqual(['a1', 'a3', 'a5', 'a7', 'a9']);
  });
});

describe('several nodes', () => {
  test('agree about each operation as soon as it is acknowledged', async () => {
    const store = shared(memoryStore());
    const nodes = [await open({ store }), await open({ store }), await open({ store })];
    await fill(nodes[0]!, 5);
    await nodes[0]!.markRead('ann', 'a1');
    expect((await nodes[1]!.counts('ann')).unread).toBe(4);
    await nodes[1]!.markUnread('ann', 'a1');
    expect(await nodes[2]!.markRead('ann', 'a1')).toMatchObject({ changed: true });
    for (const node of nodes) expect((await node.counts('ann')).unread).toBe(4);
  });

  test('find an item that they have not received yet', async () => {
    const store = shared(memoryStore());
    const lagging = new LaggingStore(store);
    const [first, second] = [await open({ store }), await open({ store: lagging.open })];
    await fill(first, 1);
    lagging.hold();
    await first.send('ann', { id: 'new', type: 'comment' });
    expect(await second.markRead('ann', ['a1', 'new', 'none'])).toMatchObject({ changed: true, unknown: ['none'] });
    lagging.release();
    expect((await first.counts('ann')).unread).toBe(0);
  });

  test('write a snapshot after 48 operations, so a new node reads few records', async () => {
    const store = shared(memoryStore());
    const reads: number[] = [];
    const first = await open({ store });
    await fill(first, 60);
    for (let n = 1; n <= 60; n++) await first.markRead('ann', `a${n}`);
    const counted: InboxOptions['store'] = async (runtime) => {
      const opened = await store(runtime);
      return {
        ...opened,
        append: (drafts) => opened.append(drafts),
        tail: (after, onAppended) => opened.tail(after, onAppended),
        close: () => opened.close(),
        read: async (query) => {
          const read = await opened.read(query);
          if (query.topics[0]?.startsWith('$inbox.')) reads.push(read.entries.length);
          return read;
        },
      };
    };
    const second = await open({ store: counted });
    expect((await second.counts('ann')).unread).toBe(0);
    expect(reads).toHaveLength(1);
    expect(reads[0]).toBeLessThanOrEqual(64);
  });
});

describe('old records', () => {
  test('are removed, so one person keeps the records of some minutes', async () => {
    const factory = shared(memoryStore());
    const first = await open({ store: factory });
    await fill(first, 3);
    // 50 operations in 25 s: the default of `operations.perMinuteMax`.
    const record = async (): Promise<void> => {
      for (let n = 0; n < 25; n++) {
        await first.markUnread('ann', 'a1');
        await first.markRead('ann', 'a1');
      }
      await clock.advance(25_000);
    };
    const store = await factory({ clock, logger: { warn: () => undefined, error: () => undefined } });
    const query = { topics: [recordsTopic('ann')], after: 0, limit: 10_000, bytesMax: 2 ** 30 };
    await first.markRead('ann', 'a1');
    await first.archive('ann', 'a2');
    for (let round = 0; round < 24; round++) {
      await record();
      expect((await store.read(query)).entries.length).toBeLessThan(900);
    }
    expect((await store.read(query)).entries.at(0)?.position).toBeGreaterThan(300);
    const second = await open({ store: factory });
    for (const inbox of [first, second]) {
      expect(idsOf(await inbox.list('ann', { status: 'read' }))).toEqual(['a1']);
      expect(idsOf(await inbox.list('ann', { status: 'archived' }))).toEqual(['a2']);
    }
  });

  test('stay if a failover loses the new snapshot during the removal', async () => {
    const factory = shared(memoryStore());
    const removals: RemoveQuery[] = [];
    const observed: InboxOptions['store'] = async (runtime) => {
      const opened = await factory(runtime);
      const remove: Store['remove'] = (query) => {
        removals.push(query);
        return opened.remove(query);
      };
      return new Proxy(opened, {
        get: (target, name) => (name === 'remove' ? remove : Reflect.get(target, name)) as unknown,
      });
    };
    const inbox = await open({ store: observed });
    await fill(inbox, 1);
    for (let n = 0; n < 150 && removals.length === 0; n++) {
      await (n % 2 ? inbox.markUnread('ann', 'a1') : inbox.markRead('ann', 'a1'));
      if (n % 48 === 0) await clock.advance(REMOVE_AFTER_MS);
    }
    const [{ topic, upTo, needs }] = removals as [RemoveQuery];
    const store = await factory({ clock, logger: { warn: () => undefined, error: () => undefined } });
    const { entries } = await store.read({ topics: [topic], after: upTo, limit: 1_000, bytesMax: 2 ** 30 });
    // The removal needs the newest snapshot, which includes all records before it.
    const snapshots = entries.filter(({ json }) => json.includes('"inbox.snapshot"'));
    expect(needs).toBe(snapshots.at(-1)!.position);
  });

  test('stay if the store cannot remove them, and the operation succeeds', async () => {
    const factory = shared(memoryStore());
    let removals = 0;
    const failing: InboxOptions['store'] = async (runtime) => {
      const opened = await factory(runtime);
      return new Proxy(opened, {
        get: (target, name) => {
          if (name !== 'remove') return Reflect.get(target, name) as unknown;
          return () => Promise.reject(new Error(`removal ${++removals}`));
        },
      });
    };
    const inbox = await open({ store: failing });
    await fill(inbox, 1);
    for (let n = 0; n < 150; n++) {
      await (n % 2 ? inbox.markUnread('ann', 'a1') : inbox.markRead('ann', 'a1'));
      if (n % 48 === 0) await clock.advance(REMOVE_AFTER_MS);
    }
    expect(removals).toBeGreaterThan(0);
    expect((await inbox.counts('ann')).unread).toBe(1);
  });
});

describe('an erased inbox', () => {
  test('is empty on every node, and broadcasts are new', async () => {
    const store = shared(memoryStore());
    const options = { store, topics: () => ['announcements'] };
    const nodes = [await open(options), await open(options)];
    await fill(nodes[0]!, 3);
    await fill(nodes[0]!, 2, 'bob');
    await nodes[0]!.send({ topic: 'announcements' }, { id: 'all', type: 'release' });
    await nodes[0]!.markRead('bob', 'b1');
    for (const node of nodes) {
      await node.archive('ann', { upTo: (await node.list('ann')).follow });
      expect((await node.counts('ann')).total).toBe(0);
    }
    expect(await nodes[1]!.erase('ann')).toEqual({ items: 3, records: 1 });
    nodes.push(await open(options));
    for (const node of nodes) {
      expect(idsOf(await node.list('ann'))).toEqual(['all']);
      expect((await node.counts('ann')).unread).toBe(1);
      expect((await node.counts('bob')).unread).toBe(2);
    }
    expect(await nodes[0]!.markRead('ann', ['a1', 'all'])).toMatchObject({ unknown: ['a1'], counts: { unread: 0 } });
    expect(await nodes[0]!.erase('ann')).toMatchObject({ items: 0 });
    await expect(nodes[0]!.erase('')).rejects.toMatchObject({ code: 'subscriber_invalid' });
  });
});

test('an option that does not exist, or is wrong, fails the start', async () => {
  await expect(open({ counts: { cap: 0 } })).rejects.toThrow('InboxModule: option counts.cap is 0');
  await expect(open({ topics: [] as never })).rejects.toThrow('InboxModule: option topics must be a function');
  await expect(open({ inbox: {} } as never)).rejects.toThrow('there is no option inbox');
});
