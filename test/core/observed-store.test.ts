import { beforeEach, describe, expect, test } from '@jest/globals';
import { abilitiesOf } from '../../src/core/abilities.js';
import { NotificationsError } from '../../src/core/errors.js';
import { Feed } from '../../src/core/feed.js';
import { observedStore } from '../../src/core/observed-store.js';
import type { StoreCall } from '../../src/core/observer.js';
import { Observers } from '../../src/core/observers.js';
import type { Store } from '../../src/core/store.js';
import { ManualClock } from '../../src/testing/index.js';
import { drafts } from '../support/drafts.js';
import { LIMITS, poll, Watched } from '../support/feed.js';
import { ScriptedStore } from '../support/scripted-store.js';
import { rethrow } from '../support/rethrow.js';

const READ = { topics: ['orders'], after: 0, limit: 10, bytesMax: 1_000 };

describe('an observed store', () => {
  let clock: ManualClock;
  let inner: ScriptedStore;
  let observers: Observers;
  let store: Store;

  beforeEach(async () => {
    clock = new ManualClock();
    inner = await ScriptedStore.open({}, clock);
    observers = new Observers(rethrow);
    store = observedStore(inner, observers, clock);
  });

  test('returns the promises of the store while no observer measures it', () => {
    const promise = Promise.resolve(true);
    const observed = observedStore(Object.assign(inner, { claim: () => promise }), observers, clock);
    observers.add({ armed: () => undefined });
    expect(abilitiesOf(observed).claim!('key', 1)).toBe(promise);
  });

  test('has the abilities of the store, and no others', () => {
    const { append, read, tail, remove, close } = store;
    const plain = observedStore({ append, read, tail, remove, close }, observers, clock);
    expect(Object.keys(abilitiesOf(plain))).toEqual([]);
    expect(Object.keys(abilitiesOf(store))).toEqual(Object.keys(abilitiesOf(inner)));
  });

  test('reports the operation, the duration and the end of the log of each call', async () => {
    const calls: StoreCall[] = [];
    observers.add({ stored: (call) => calls.push(call) });
    inner.append = async (list) => {
      await clock.advance(20);
      return ScriptedStore.prototype.append.call(inner, list);
    };
    const { epoch } = await store.append(drafts(2));
    await store.read(READ);
    await store.remove({ topic: 'orders', epochId: epoch.id, upTo: 2 });
    await abilitiesOf(store).claim!('key', 1_000);
    await abilitiesOf(store).positionsOf!(['key']);
    const end = { epochId: epoch.id, position: 2 };
    expect(calls).toEqual([
      { operation: 'append', durationMs: 20, end },
      { operation: 'read', durationMs: 0, end },
      { operation: 'remove', durationMs: 0, end: undefined },
      { operation: 'claim', durationMs: 0, end: undefined },
      { operation: 'lookup', durationMs: 0, end: undefined },
    ]);
  });

  test('reports the error of a call, and rejects with it', async () => {
    const calls: StoreCall[] = [];
    observers.add({ stored: (call) => calls.push(call) });
    const error = new NotificationsError('store_unavailable', 'a text');
    inner.read = () => Promise.reject(error);
    await expect(store.read(READ)).rejects.toBe(error);
    expect(calls).toEqual([{ operation: 'read', durationMs: 0, error }]);
  });

  test('reports appended drafts without duplicates', async () => {
    const ids: string[] = [];
    observers.add({ appended: (list) => ids.push(...list.map(({ id }) => id)) });
    const [first, second] = drafts(2);
    await store.append([first!]);
    await store.append([first!, second!]);
    expect(ids).toEqual([first!.id, second!.id]);
  });

  test('an observer that was removed receives nothing more', async () => {
    let calls = 0;
    const remove = observers.add({ stored: () => calls++, performed: () => calls++ });
    await store.read(READ);
    remove();
    await store.read(READ);
    observers.performed({ capability: 'inbox', operation: 'read' });
    expect(calls).toBe(1);
  });
});

describe('the load of a feed', () => {
  test('has waiters by kind, reads by source, and the size of the window', async () => {
    const clock = new ManualClock();
    const store = await ScriptedStore.open({}, clock);
    await store.append(drafts(1));
    const feed = await Feed.open({ store, clock, limits: LIMITS });
    const request = { topics: ['orders'], after: 'latest', limit: 10, waitMs: 1_000 } as const;
    const held = new Watched(poll(feed, request));
    const stream = new Watched(feed.follow(request));
    new Watched(feed.follow({ ...request, topics: ['other'] }));
    expect(feed.load()).toMatchObject({ waiters: { poll: 1, stream: 2, history: 0 }, reads: { window: 3, store: 0 } });
    await store.append(drafts(2, 'orders'));
    await clock.settle();
    held.leave();
    stream.leave();
    new Watched(poll(feed, { ...request, after: 'earliest', waitMs: 0 }));
    await clock.settle();
    const { waiters, queued, window, reads } = feed.load();
    expect({ waiters, queued, reads }).toEqual({
      waiters: { poll: 0, stream: 1, history: 0 },
      queued: 0,
      reads: { window: 6, store: 1 },
    });
    expect(window.count).toBe(2);
    expect(window.bytes).toBeGreaterThan(0);
  });

  test('has the time that deliveries have taken', async () => {
    const clock = new ManualClock();
    const store = await ScriptedStore.open({}, clock);
    const feed = await Feed.open({ store, clock, limits: LIMITS });
    let nowMs = 0;
    clock.monotonic = () => nowMs;
    poll(feed, { topics: ['orders'], after: 'latest', limit: 10, waitMs: 1_000 }).subscribe(() => (nowMs += 7));
    await store.append(drafts(1));
    await clock.settle();
    expect(feed.load().wakeMs).toBe(7);
  });
});
