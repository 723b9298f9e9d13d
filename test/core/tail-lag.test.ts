import { describe, expect, test } from '@jest/globals';
import { Feed } from '../../src/core/feed.js';
import type { LogPosition } from '../../src/core/page.js';
import { TailLag } from '../../src/core/tail-lag.js';
import { ManualClock } from '../../src/testing/index.js';
import { drafts } from '../support/drafts.js';
import { LIMITS } from '../support/feed.js';
import { ScriptedStore } from '../support/scripted-store.js';

describe('the lag of a tail', () => {
  function bench() {
    const clock = new ManualClock();
    const state = { window: { epochId: 'e1', position: 5 } };
    return { clock, state, lag: new TailLag(clock, () => state.window) };
  }
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
    state.window = at(6);
    expect(lag.ms).toBe(1_000);
    state.window = at(7);
    expect(lag.ms).toBe(0);
  });

  test('counts entries of another epoch until the epoch of the window changes', async () => {
    const { clock, state, lag } = bench();
    lag.shown(at(1, 'e2'));
    await clock.advance(4_000);
    expect(lag.ms).toBe(4_000);
    state.window = at(1, 'e2');
    expect(lag.ms).toBe(0);
    lag.shown(at(3, 'e2'));
    state.window = at(0, 'e3');
    expect(lag.ms).toBe(0);
  });
});

describe('the lag of a feed', () => {
  test('begins when a check of the health finds an entry that the node has not received', async () => {
    const clock = new ManualClock();
    const store = await ScriptedStore.open({}, clock);
    const feed = await Feed.open({ store, clock, limits: LIMITS });
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
});
