import { cpSync, rmSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { NotificationsError } from '../../src/core/errors.js';
import type { Store } from '../../src/core/store.js';
import { inDepth } from '../support/depth.js';
import { describeOnServer, everything, page, pushConsumers } from '../support/stores/nats.js';
import { newDraft } from '../support/drafts.js';
import { until } from '../support/time/until.js';
import { pause } from '../support/time/pause.js';

const TOPICS = ['a', 'b', 'c'];
const KILLS = inDepth(2, 5);
/** A node ends its consumer after 3.5 s without a message of the server. */
const HANG_MS = 5_000;
/** Notifications that each load publishes before the server is killed. */
const LOAD = 30;
/** A caller's pause after each array: thousands of arrays would only slow the final read. */
const PAUSE_MS = 10;
/** A killed process loses nothing that the operating system has. */
const LOSSLESS = { syncAlways: true };

describeOnServer(
  'nats store: when the server fails',
  (on) => {
    /** Appends one array after another until `stop`. Each is repeated until it is acknowledged. */
    function load(store: Store): { stop(): Promise<void>; acknowledged: string[]; refused: Set<string> } {
      const [acknowledged, refused]: [string[], Set<string>] = [[], new Set()];
      let running = true;
      const run = async (): Promise<void> => {
        while (running) {
          const drafts = TOPICS.map((topic) => newDraft(topic));
          for (let done = false; !done;) {
            try {
              await store.append(drafts);
              acknowledged.push(...drafts.map(({ id }) => id));
              done = true;
            } catch (error) {
              refused.add((error as NotificationsError).code);
              await pause(PAUSE_MS);
            }
          }
          await pause(PAUSE_MS);
        }
      };
      const runs = Promise.all(Array.from({ length: 4 }, run));
      return {
        acknowledged,
        refused,
        stop: async () => {
          running = false;
          await runs;
        },
      };
    }

    const works = (store: Store) =>
      store.append([newDraft()]).then(
        () => true,
        () => false,
      );

    test('keeps every acknowledged notification once across kill -9 under load, and nodes recover by themselves', async () => {
      const stores = await Promise.all([on.nodes.open(LOSSLESS), on.nodes.open(LOSSLESS)]);
      const followed = await Promise.all(stores.map((store) => on.nodes.follow(store)));
      const loads = stores.map(load);
      const recoveredMs: number[] = [];
      for (let cycle = 0; cycle < KILLS; cycle++) {
        const before = loads.map(({ acknowledged }) => acknowledged.length);
        await until(() => loads.every(({ acknowledged }, at) => acknowledged.length > before[at]! + LOAD));
        await on.server.restart();
        const [started, counts] = [performance.now(), loads.map(({ acknowledged }) => acknowledged.length)];
        await until(() => loads.every(({ acknowledged }, at) => acknowledged.length > counts[at]!));
        recoveredMs.push(performance.now() - started);
      }
      await Promise.all(loads.map(({ stop }) => stop()));
      const log = await everything(stores[0]!, TOPICS);
      const ids = log.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(loads.flatMap(({ acknowledged }) => acknowledged).filter((id) => !new Set(ids).has(id))).toEqual([]);
      for (const { entries, batches } of followed) {
        await until(() => entries.length >= log.length);
        expect(entries.map(({ id }) => id)).toEqual(ids);
        expect(new Set(batches.map(({ epoch }) => epoch.id)).size).toBe(1);
      }
      // An array is in the log as a whole or not at all.
      expect(ids.length % TOPICS.length).toBe(0);
      for (const { refused } of loads) expect([...refused].filter((code) => code !== 'store_unavailable')).toEqual([]);
      expect(on.nodes.logs.filter((line) => line.includes('unavailable'))).toHaveLength(KILLS * stores.length);
      expect(on.nodes.logs.filter((line) => line.includes('available again'))).toHaveLength(KILLS * stores.length);
      console.info(
        `nats: back ${recoveredMs.map((ms) => ms.toFixed(0)).join(', ')} ms after the server accepts connections`,
      );
    }, 60_000);

    test('calls reject in time while the server is down, and the outage is logged once', async () => {
      const store = await on.nodes.open({ ...LOSSLESS, timeoutMs: 500 });
      const { epoch } = await store.append([newDraft()]);
      await on.server.kill();
      for (let call = 0; call < 3; call++) {
        const started = performance.now();
        await expect(store.append([newDraft()])).rejects.toMatchObject({ code: 'store_unavailable' });
        await expect(page(store)).rejects.toMatchObject({ code: 'store_unavailable' });
        expect(performance.now() - started).toBeLessThan(1_500);
      }
      expect(on.nodes.logs).toHaveLength(1);
      await on.server.startAgain();
      await until(() => on.nodes.logs.length === 2);
      expect((await store.append([newDraft()])).epoch.id).toBe(epoch.id);
      expect((await page(store)).entries).toHaveLength(2);
    });

    test('a server that hangs causes errors in time, bounded memory, and recovery', async () => {
      const store = await on.nodes.open({ timeoutMs: 500, pendingMax: 100 });
      const followed = await on.nodes.follow(store);
      const before = newDraft();
      await store.append([before]);
      on.server.freeze();
      const drafts = Array.from({ length: 300 }, () => newDraft());
      const started = performance.now();
      const results = await Promise.allSettled(drafts.map((one) => store.append([one])));
      expect(performance.now() - started).toBeLessThan(1_500);
      const messages = results.map((result) => (result.status === 'rejected' ? (result.reason as Error).message : ''));
      expect(messages.filter((message) => message.includes('is behind'))).toHaveLength(200);
      await expect(page(store)).rejects.toMatchObject({ code: 'store_unavailable' });
      // The server hangs for two more time limits.
      for (let call = 0; call < 2; call++)
        await expect(page(store)).rejects.toMatchObject({ code: 'store_unavailable' });
      on.server.thaw();
      await until(() => works(store));
      // A rejected append may be in the log or not. Appended again, it is in the log once.
      await store.append(drafts.slice(0, 100));
      const ids = (await page(store)).entries.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { id } of [before, ...drafts.slice(0, 100)]) expect(ids).toContain(id);
      await until(() => followed.entries.length >= ids.length);
      expect(followed.entries.map(({ id }) => id)).toEqual(ids);
    }, 30_000);

    test('a server that restarts without its data begins a new epoch', async () => {
      const stores = await Promise.all([on.nodes.open(), on.nodes.open()]);
      const followed = await Promise.all(stores.map((store) => on.nodes.follow(store)));
      const { epoch } = await stores[0]!.append([newDraft()]);
      await on.server.kill();
      on.server.wipe();
      await on.server.startAgain();
      await until(() => followed.every(({ batches }) => batches.at(-1)?.epoch.id !== epoch.id));
      const states = await Promise.all(stores.map((store) => page(store)));
      expect(states[0]!.epoch.id).not.toBe(epoch.id);
      expect(states[1]!.epoch).toEqual(states[0]!.epoch);
      expect(states[0]!.entries).toEqual([]);
    }, 30_000);

    test('a loss begins one new epoch, which continues the old one up to the last notification kept', async () => {
      const stores = await Promise.all(Array.from({ length: 3 }, () => on.nodes.open(LOSSLESS)));
      const followed = await Promise.all(stores.map((store) => on.nodes.follow(store)));
      const kept = [newDraft(), newDraft(), newDraft()];
      for (const one of kept) await stores[0]!.append([one]);
      const { epoch, head } = await page(stores[0]!);
      await until(() => followed.every(({ entries }) => entries.length === kept.length));
      const copy = `${on.server.dataFolder}.copy`;
      await on.server.shutDown();
      cpSync(on.server.dataFolder, copy, { recursive: true });
      await on.server.startAgain();
      await until(() => works(stores[0]!));
      await stores[1]!.append([newDraft(), newDraft()]);
      await until(() => followed.every(({ entries }) => entries.length === kept.length + 3));
      await on.server.kill();
      on.server.wipe();
      cpSync(copy, on.server.dataFolder, { recursive: true });
      rmSync(copy, { recursive: true });
      await on.server.startAgain();
      await until(async () => {
        const pages = await Promise.all(stores.map((store) => page(store).catch(() => undefined)));
        const ids = new Set(pages.map((one) => one?.epoch.id));
        return ids.size === 1 && !ids.has(undefined) && !ids.has(epoch.id);
      });
      const next = await stores[1]!.append([newDraft()]);
      expect(next.epoch.before).toEqual([{ id: epoch.id, secret: epoch.secret, upTo: head, lost: true }]);
      const { entries } = await page(stores[0]!);
      expect(entries.map(({ id }) => id)).toEqual([...kept.map(({ id }) => id), next.appended[0]!.id]);
      await until(() => followed.every(({ entries }) => entries.at(-1)?.id === next.appended[0]!.id));
      for (const { batches } of followed) {
        expect(new Set(batches.map((batch) => batch.epoch.id))).toEqual(new Set([epoch.id, next.epoch.id]));
      }
    }, 30_000);

    inDepth(test.skip, test)(
      'kills and hangs leave no consumer behind',
      async () => {
        const store = await on.nodes.open({ timeoutMs: 500 });
        for (let cycle = 0; cycle < 2; cycle++) {
          await on.server.restart();
          await until(() => works(store));
        }
        on.server.freeze();
        await pause(HANG_MS);
        on.server.thaw();
        await until(() => works(store));
        const { jsm } = await on.nodes.operator();
        const consumers = async () => (await pushConsumers(jsm)).length;
        await until(async () => (await consumers()) === 1);
        await store.close();
        await until(async () => (await consumers()) === 0);
      },
      40_000,
    );
  },
  inDepth([], ['nats-2.10', 'nats-newest']),
);
