import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Store, StoreFactory } from '../../src/core/store.js';
import { openStore } from '../../src/demo/store.js';
import { ENGINES, type SharedEngine } from '../cluster/engines.js';
import { draft } from '../support/drafts.js';
import { within } from '../support/http/until.js';
import { JumpingClock } from '../support/jumping-clock.js';

const HOUR_MS = 3_600_000;
/** Engines take some seconds to start again. */
const RECOVERY_MS_MAX = 30_000;
const RETENTION = { retainCount: 1_000, retainMs: 24 * HOUR_MS, retainBytes: 2 ** 20 };

describe.each(Object.values(ENGINES))('a clock that jumps by an hour, on $name', ({ name, missing, start }) => {
  const runs = missing() === undefined ? test : test.skip;
  const clock = new JumpingClock();
  const open: Store[] = [];
  let engine: SharedEngine | undefined;

  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
    await engine?.stop();
    engine = undefined;
    clock.offsetMs = 0;
  });

  const node = async (): Promise<Store> => {
    engine ??= await start();
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
  ])('%s: an id is recognised at every node, and nothing goes', async (_, jumpMs) => {
    const [one, other] = [await node(), await node()];
    expect(await isDuplicate(one, 'before')).toBe(false);
    clock.offsetMs = jumpMs;
    expect(await isDuplicate(other, 'before')).toBe(true);
    expect(await isDuplicate(one, 'before')).toBe(true);
    expect(await isDuplicate(other, 'between')).toBe(false);
    clock.offsetMs = 0;
    expect(await isDuplicate(one, 'between')).toBe(true);
    expect(await isDuplicate(other, 'between')).toBe(true);
    const { entries, trimmed } = await one.read({ topics: ['orders'], after: 0, limit: 10, bytesMax: 2 ** 20 });
    expect([entries.map(({ id }) => id), trimmed]).toEqual([['before', 'between'], 0]);
  });

  if (!engineIsAProcess(name)) return;

  runs(
    'back, and the engine is restarted: nodes find it again',
    async () => {
      const store = await node();
      await isDuplicate(store, 'before');
      const wall = jest.spyOn(Date, 'now');
      try {
        const { now } = performance;
        const startMs = Date.now() - now.call(performance);
        wall.mockImplementation(() => startMs + now.call(performance) - HOUR_MS);
        await engine!.crash!();
        const published = async (): Promise<boolean> => {
          for (;;) {
            const duplicate = await isDuplicate(store, 'after').catch(() => undefined);
            if (duplicate !== undefined) return duplicate;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        };
        await within(published(), 'a publish that is acknowledged', RECOVERY_MS_MAX);
      } finally {
        wall.mockRestore();
      }
    },
    60_000,
  );

  // A file's times are those of the machine's own clock, which one process cannot have another of.
  runs('a node whose clock is an hour ahead recognises ids', async () => {
    const one = await node();
    await isDuplicate(one, 'a');
    clock.offsetMs = HOUR_MS;
    expect(await isDuplicate(await node(), 'a')).toBe(true);
  });
});

function engineIsAProcess(name: string): boolean {
  return name !== ENGINES.sqlite.name;
}
