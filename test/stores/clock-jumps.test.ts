import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Store, StoreFactory } from '../../src/core/store.js';
import { openStore } from '../../src/demo/store.js';
import { ENGINES, RETENTION, type SharedEngine } from '../support/engines/shared.js';
import { draft } from '../support/drafts.js';
import { until } from '../support/time/until.js';
import { JumpingClock } from '../support/jumping-clock.js';

const HOUR_MS = 3_600_000;
/** Engines take some seconds to start again. */
const RECOVERY_MS_MAX = 30_000;

/** All tests of an engine share one log: each uses ids of its own. */
describe.each(Object.values(ENGINES))('a clock that jumps by an hour, on $name', ({ name, missing, start }) => {
  const reason = missing();
  const runs = reason === undefined ? test : test.skip;
  const clock = new JumpingClock();
  const open: Store[] = [];
  let engine: SharedEngine;

  beforeAll(async () => {
    if (reason === undefined) engine = await start();
  });
  afterAll(async () => {
    if (reason === undefined) await engine.stop();
  });
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
    clock.offsetMs = 0;
  });

  const node = async (): Promise<Store> => {
    const factory: StoreFactory = openStore(engine.store(), RETENTION);
    const store = await factory({ clock, logger: { warn: () => undefined, error: () => undefined } });
    open.push(store);
    return store;
  };
  const isDuplicate = async (store: Store, id: string): Promise<boolean> =>
    (await store.append([draft(id)])).appended[0]!.duplicate;

  runs.each([
    ['forwards', HOUR_MS],
    ['back', -HOUR_MS],
  ])('%s: every node recognizes an id, and no entry is removed', async (direction, jumpMs) => {
    const [one, other] = [await node(), await node()];
    const [before, between] = [`before ${direction}`, `between ${direction}`];
    const { head } = await one.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    expect(await isDuplicate(one, before)).toBe(false);
    clock.offsetMs = jumpMs;
    expect(await isDuplicate(other, before)).toBe(true);
    expect(await isDuplicate(one, before)).toBe(true);
    expect(await isDuplicate(other, between)).toBe(false);
    clock.offsetMs = 0;
    expect(await isDuplicate(one, between)).toBe(true);
    expect(await isDuplicate(other, between)).toBe(true);
    const { entries, trimmed } = await one.read({ topics: ['orders'], after: head, limit: 10, bytesMax: 2 ** 20 });
    expect([entries.map(({ id }) => id), trimmed]).toEqual([[before, between], 0]);
  });

  if (!isProcess(name)) return;

  // All processes share the clock by which a file system writes times, so SQLite is left out.
  runs('a node whose clock is an hour ahead recognizes ids', async () => {
    const one = await node();
    await isDuplicate(one, 'a');
    clock.offsetMs = HOUR_MS;
    expect(await isDuplicate(await node(), 'a')).toBe(true);
  });

  runs(
    'back, and the engine restarts: nodes reconnect',
    async () => {
      const store = await node();
      await isDuplicate(store, 'before the restart');
      const wall = jest.spyOn(Date, 'now');
      try {
        const { now } = performance;
        const startMs = Date.now() - now.call(performance);
        wall.mockImplementation(() => startMs + now.call(performance) - HOUR_MS);
        await engine.crash!();
        const isPublished = () => isDuplicate(store, 'after the restart').then(() => true, () => false); // prettier-ignore
        await until(isPublished, RECOVERY_MS_MAX);
      } finally {
        wall.mockRestore();
      }
    },
    60_000,
  );
});

function isProcess(name: string): boolean {
  return name !== ENGINES.sqlite.name;
}
