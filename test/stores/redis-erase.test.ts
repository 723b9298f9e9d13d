import { afterEach, describe, expect, test } from '@jest/globals';
import { type Clock, systemClock } from '../../src/core/clock.js';
import type { Store } from '../../src/core/store.js';
import { redisStore } from '../../src/stores/redis/index.js';
import { PART, PAUSE_MS_MAX, PAUSE_MS_MIN } from '../../src/stores/redis/removal.js';
import { newDraft } from '../support/drafts.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';

const describeRedis = redisMissing() === undefined ? describe : describe.skip;
const TOPIC = 'user.1';
const PARTS = 4;
const ENTRIES = PARTS * PART - 1;

describeRedis('a removal of redisStore', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function openFilled(clock: Clock = systemClock): Promise<{ engine: RedisEngine; store: Store }> {
    const engine = await RedisEngine.start();
    closing.push(() => engine.stop());
    const logger = { warn: () => undefined, error: () => undefined };
    const store = await redisStore({ connection: engine.url })({ clock, logger });
    closing.push(() => store.close());
    await store.append(Array.from({ length: ENTRIES }, () => newDraft(TOPIC)));
    return { engine, store };
  }

  async function removeAll(store: Store): Promise<number> {
    const { epoch, head } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    const { count } = await store.remove({ topic: TOPIC, upTo: head, epochId: epoch.id });
    return count;
  }

  test('removes the ids of a part with one command', async () => {
    const { engine, store } = await openFilled();
    await engine.use((client) => client.config('RESETSTAT'));
    expect(await removeAll(store)).toBe(ENTRIES);
    const stats = await engine.use((client) => client.info('commandstats'));
    // Each part also begins its writes with one.
    expect(/cmdstat_hdel:calls=(\d+)/.exec(stats)?.[1]).toBe(String(2 * PARTS));
  });

  test('pauses between two parts for as long as the last part took, up to a bound, so that appends find the engine idle', async () => {
    const pausesMs: number[] = [];
    let partMs = 0;
    let nowMs = 0;
    const clock: Clock = {
      ...systemClock,
      monotonic: () => (nowMs += partMs),
      setTimeout: (task, delayMs) => {
        if (delayMs <= PAUSE_MS_MAX) pausesMs.push(delayMs);
        return systemClock.setTimeout(task, delayMs <= PAUSE_MS_MAX ? 0 : delayMs);
      },
    };
    for (const [tookMs, pauseMs] of [
      [1, PAUSE_MS_MIN],
      [40, 40],
      [30_000, PAUSE_MS_MAX],
    ] as const) {
      const { store } = await openFilled(clock);
      [pausesMs.length, partMs] = [0, tookMs];
      expect(await removeAll(store)).toBe(ENTRIES);
      expect(pausesMs).toEqual(Array.from({ length: PARTS - 1 }, () => pauseMs));
      partMs = 0;
    }
  });
});
