import { beforeEach, describe, expect, test } from '@jest/globals';
import { Feed } from '../../src/core/feed.js';
import type { FeedObserver } from '../../src/core/observer.js';
import { observedStore } from '../../src/core/observed-store.js';
import { Observers } from '../../src/core/observers.js';
import type { Store } from '../../src/core/store.js';
import { ManualClock } from '../../src/testing/index.js';
import { drafts } from '../support/drafts.js';
import { LIMITS, poll, Watched } from '../support/feed.js';
import { ScriptedStore } from '../support/scripted-store.js';
import { rethrow } from '../support/rethrow.js';

const REQUEST = { topics: ['orders'], after: 'latest', limit: 10, waitMs: 1_000 } as const;

describe('an observer of a feed', () => {
  let clock: ManualClock;
  let store: ScriptedStore;
  let feed: Feed;
  let calls: string[];

  beforeEach(async () => {
    clock = new ManualClock();
    store = await ScriptedStore.open({ retainCount: 2 }, clock);
    calls = [];
    const observer: FeedObserver = {
      armed: () => calls.push('armed'),
      ended: () => calls.push('ended'),
      published: (entries) => calls.push(`published ${entries.length}`),
      delivered: ({ entries }) => calls.push(`delivered ${entries.length}`),
      gap: ({ reason }) => calls.push(`gap ${reason}`),
      rejected: () => calls.push('rejected'),
    };
    const observers = new Observers(rethrow);
    observers.add(observer);
    feed = await Feed.open({ store, clock, limits: { ...LIMITS, waitersMax: 1 }, observers });
  });

  test('receives each step of a poll in order', async () => {
    new Watched(poll(feed, REQUEST));
    await store.append(drafts(1));
    await clock.settle();
    expect(calls).toEqual(['armed', 'published 1', 'ended', 'delivered 1']);
  });

  test('receives an empty page and the end of a poll that times out', async () => {
    new Watched(poll(feed, REQUEST));
    await clock.advance(1_000);
    expect(calls).toEqual(['armed', 'ended', 'delivered 0']);
  });

  test('receives the gap of a page after the page', async () => {
    await store.append(drafts(5));
    await clock.settle();
    calls.length = 0;
    new Watched(poll(feed, { ...REQUEST, after: { epochId: 'another', position: 1 }, waitMs: 0 }));
    await clock.settle();
    expect(calls).toEqual(['armed', 'ended', 'delivered 2', 'gap reset']);
  });

  test('receives a rejection, and no waiter is registered', async () => {
    const first = new Watched(poll(feed, REQUEST));
    new Watched(poll(feed, REQUEST));
    expect(calls).toEqual(['armed', 'rejected']);
    first.leave();
    await clock.settle();
    expect(calls).toEqual(['armed', 'rejected', 'ended']);
  });

  describe('with an error in each method', () => {
    const METHODS = ['armed', 'ended', 'published', 'delivered', 'gap', 'rejected', 'stored', 'appended'] as const;
    const failure = new Error('a bug of the observer');
    const fail = (): never => {
      throw failure;
    };
    const failing: FeedObserver = Object.fromEntries(METHODS.map((method) => [method, fail]));
    let reported: unknown[];
    let observed: Store;

    beforeEach(async () => {
      reported = [];
      store = await ScriptedStore.open({}, clock);
      const observers = new Observers((error) => reported.push(error));
      observers.add(failing);
      observers.add({ delivered: ({ entries }) => calls.push(`delivered ${entries.length}`) });
      observed = observedStore(store, observers, clock);
      feed = await Feed.open({ store: observed, clock, limits: { ...LIMITS, waitersMax: 1 }, observers });
    });

    test('changes no publish and no delivery, and hides no call from other observers', async () => {
      const stream = new Watched(feed.follow(REQUEST));
      await observed.append(drafts(1));
      await clock.settle();
      await observed.append(drafts(2, 'm'));
      await clock.settle();
      expect(stream.ids).toHaveLength(2);
      expect(stream.error).toBeUndefined();
      expect(calls).toEqual(['delivered 1', 'delivered 2']);
      expect(feed.totals()).toMatchObject({ published: 3, delivered: 3 });
    });

    test('is reported once', async () => {
      new Watched(feed.follow(REQUEST));
      await observed.append(drafts(1));
      await clock.settle();
      expect(reported).toEqual([failure]);
    });

    test('leaves no waiter registered, and does not replace the error of the feed', async () => {
      const first = new Watched(poll(feed, REQUEST));
      const second = new Watched(poll(feed, REQUEST));
      expect(second.error).toMatchObject({ code: 'waiters_too_many' });
      first.leave();
      await clock.settle();
      expect(feed.counts().waiters).toBe(0);
    });
  });

  test('is counted in the totals', async () => {
    const stream = new Watched(feed.follow(REQUEST));
    await store.append(drafts(2));
    await clock.settle();
    await clock.advance(1_000);
    new Watched(poll(feed, REQUEST));
    stream.leave();
    const totals = { waiters: 1, published: 2, delivered: 2, pages: 2, gaps: 0, rejected: 1 };
    expect(feed.totals()).toEqual(totals);
  });
});
