import { describe, expect, test } from '@jest/globals';
import { Feed } from '../../src/core/feed.js';
import { observedStore } from '../../src/core/observed-store.js';
import { Observers } from '../../src/core/observers.js';
import type { LogPosition } from '../../src/core/page.js';
import type { ReadWindow } from '../../src/core/page-query.js';
import type { Epoch } from '../../src/core/store.js';
import { TailLag } from '../../src/core/tail-lag.js';
import { ManualClock } from '../../src/testing/index.js';
import { drafts } from '../support/drafts.js';
import { LIMITS } from '../support/feed.js';
import { rethrow } from '../support/rethrow.js';
import { ScriptedStore } from '../support/scripted-store.js';

describe('the lag of a tail', () => {
  function bench() {
    const clock = new ManualClock();
    const state = { window: windowAt(5) };
    return { clock, state, lag: new TailLag(clock, () => state.window) };
  }
  const windowAt = (head: number, id = 'e1', before?: Epoch['before']): ReadWindow => ({
    epoch: { id, secret: '', ...(before && { before }) },
    head,
  });
  const at = (position: number, epochId = 'e1'): LogPosition => ({ epochId, position });

  test('is 0 while the node has received all that the store has shown', () => {
    const { lag } = bench();
    lag.shown(at(5));
    expect(lag.ms).toBe(0);
  });

  test('grows from the first missing entry, also while others follow, and ends with its arrival', async () => {
    const { clock, state, lag } = bench();
    lag.shown(at(6));
    await clock.advance(2_000);
    lag.shown(at(7));
    await clock.advance(1_000);
    expect(lag.ms).toBe(3_000);
    state.window = windowAt(6);
    expect(lag.ms).toBe(1_000);
    state.window = windowAt(7);
    expect(lag.ms).toBe(0);
  });

  test('counts entries of another epoch until the epoch of the window changes', async () => {
    const { clock, state, lag } = bench();
    lag.shown(at(1, 'e2'));
    await clock.advance(4_000);
    expect(lag.ms).toBe(4_000);
    state.window = windowAt(1, 'e2');
    expect(lag.ms).toBe(0);
    lag.shown(at(3, 'e2'));
    state.window = windowAt(0, 'e3');
    expect(lag.ms).toBe(0);
  });

  test('ignores an epoch that the epoch of the window continues', async () => {
    const { clock, state, lag } = bench();
    state.window = windowAt(5, 'e2', [{ id: 'e1', secret: '', upTo: 5 }]);
    lag.shown(at(6));
    await clock.advance(1_000);
    expect(lag.ms).toBe(0);
  });

  test('ends when the store shows the epoch of the window again', async () => {
    const { clock, state, lag } = bench();
    state.window = windowAt(5, 'e2');
    lag.shown(at(6));
    await clock.advance(1_000);
    lag.shown(at(5, 'e2'));
    expect(lag.ms).toBe(0);
  });
});

describe('the lag of a feed', () => {
  async function bench() {
    const clock = new ManualClock();
    const store = await ScriptedStore.open({}, clock);
    const observers = new Observers(rethrow);
    const observed = observedStore(store, observers, clock);
    const feed = await Feed.open({ store: observed, clock, limits: LIMITS, observers });
    return { clock, store, observed, feed };
  }

  test('begins when a check of the health finds an entry that the node has not received', async () => {
    const { clock, store, feed } = await bench();
    expect([await feed.health(), feed.lagMs]).toEqual(['ready', 0]);
    const deliver = store.holdTail();
    await store.append(drafts(1));
    await clock.advance(1_000);
    expect([await feed.health(), feed.lagMs]).toEqual(['ready', 0]);
    await clock.advance(2_000);
    expect([await feed.health(), feed.lagMs]).toEqual(['ready', 2_000]);
    store.fail(new Error('unreachable'));
    await clock.advance(500);
    expect([await feed.health(), feed.lagMs]).toEqual(['store_unavailable', 2_500]);
    deliver();
    await clock.settle();
    expect(feed.lagMs).toBe(0);
  });

  test('begins with a call of this node that shows an entry', async () => {
    const { clock, store, observed, feed } = await bench();
    store.holdTail();
    await observed.append(drafts(1));
    await clock.advance(1_000);
    expect([await feed.health(), feed.lagMs]).toEqual(['ready', 1_000]);
  });
});
