import { cpSync, rmSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { firstValueFrom } from 'rxjs';
import { systemClock } from '../../src/core/clock.js';
import { Feed } from '../../src/core/feed.js';
import type { Store } from '../../src/core/store.js';
import { natsStore, type NatsStoreOptions } from '../../src/stores/nats/index.js';
import { inDepth } from '../support/depth.js';
import { NatsCluster, natsVersions } from '../support/engines/nats.js';
import { LIMITS, poll } from '../support/feed.js';
import { newDraft } from '../support/drafts.js';
import { describeOnServer, page, STREAM } from '../support/stores/nats.js';
import { until } from '../support/time/until.js';

const OTHERS = inDepth([], ['nats-2.10', 'nats-newest']);

describeOnServer(
  'nats store: restarts of the server',
  (on) => {
    /** Appends with a node that closes again. Returns the epoch and the head. */
    async function append(count: number, options: NatsStoreOptions = {}) {
      const store = await on.nodes.open(options);
      for (let n = 0; n < count; n++) await store.append([newDraft()]);
      const { epoch, head } = await page(store);
      await store.close();
      return { epoch, head };
    }

    /** The gap that a client with this cursor receives from a new node, and the next cursor. */
    async function pollOnce(after: { epochId: string; position: number }, options: NatsStoreOptions = {}) {
      const feed = await Feed.open({ store: await on.nodes.open(options), clock: systemClock, limits: LIMITS });
      const answer = await firstValueFrom(poll(feed, { topics: ['orders'], after, limit: 100, waitMs: 0 }));
      await feed.close();
      return { gap: answer.gap?.reason, next: { epochId: answer.epoch.id, position: answer.position } };
    }

    /** The state after a power cut: the data as it was before `later` ran. */
    async function loseWhat(later: () => Promise<void>): Promise<void> {
      const copy = `${on.server.dataFolder}.copy`;
      on.server.freeze();
      cpSync(on.server.dataFolder, copy, { recursive: true });
      on.server.thaw();
      await later();
      await on.server.kill();
      on.server.wipe();
      cpSync(copy, on.server.dataFolder, { recursive: true });
      rmSync(copy, { recursive: true });
      await on.server.startAgain();
    }

    test('gives each client one gap if the server lost messages while no node ran', async () => {
      const kept = await append(3);
      let lost = kept;
      await loseWhat(async () => {
        lost = await append(2);
      });
      expect(lost.epoch.id).toBe(kept.epoch.id);
      // The server stores other notifications at the positions of the lost ones.
      await append(2);
      const beyond = await pollOnce({ epochId: lost.epoch.id, position: lost.head });
      expect(beyond.gap).toBe('reset');
      const before = await pollOnce({ epochId: kept.epoch.id, position: kept.head });
      expect(before.gap).toBe('expired');
      expect((await pollOnce(before.next)).gap).toBeUndefined();
      expect((await pollOnce(beyond.next)).gap).toBeUndefined();
    }, 20_000);

    test('a restart costs no gap with syncAlways', async () => {
      const options = { syncAlways: true };
      const { epoch, head } = await append(3, options);
      await on.server.restart();
      expect(await pollOnce({ epochId: epoch.id, position: head }, options)).toEqual({
        gap: undefined,
        next: { epochId: epoch.id, position: head },
      });
    });

    test('a description of an earlier epoch is replaced by the newest one', async () => {
      const { epoch, head } = await append(3);
      const stream = async () => (await on.nodes.operator()).jsm.streams;
      const { description = '' } = (await (await stream()).info(STREAM)).config;
      for (let restart = 0; restart < 2; restart++) {
        await on.server.restart();
        await append(1);
      }
      const newest = await append(1);
      const running = await on.nodes.open();
      // A node that changes the limits writes the description that it has read before.
      await (await stream()).update(STREAM, { description });
      for (const store of [await on.nodes.open(), running]) {
        expect((await page(store)).epoch).toEqual(newest.epoch);
        await store.append([newDraft()]);
      }
      expect(newest.epoch.before?.map(({ id }) => id)).toHaveLength(2);
      expect((await pollOnce({ epochId: epoch.id, position: head })).gap).toBe('expired');
      expect((await pollOnce({ epochId: newest.epoch.id, position: newest.head })).gap).toBeUndefined();
    });

    test('a restart begins one epoch for all running nodes, and a restart of nodes begins none', async () => {
      const open = () => Promise.all(Array.from({ length: 3 }, () => on.nodes.open()));
      const stores = await open();
      await stores[0]!.append([newDraft()]);
      const { epoch, head } = await page(stores[0]!);
      const followed = await Promise.all(stores.map((store) => on.nodes.follow(store)));
      for (const { entries } of followed) await until(() => entries.length === 1);
      await on.server.restart();
      const agreed = async (nodes: readonly Store[]) => {
        const pages = await Promise.all(nodes.map((store) => page(store).catch(() => undefined)));
        const ids = new Set(pages.map((one) => one?.epoch.id));
        return ids.size === 1 && !ids.has(undefined) && !ids.has(epoch.id) ? pages[0] : undefined;
      };
      await until(async () => (await agreed(stores)) !== undefined);
      const next = (await agreed(stores))!;
      expect(next.epoch.before![0]).toEqual({ id: epoch.id, secret: epoch.secret, upTo: head, lost: true });
      const { appended } = await stores[1]!.append([newDraft()]);
      for (const { entries, batches } of followed) {
        await until(() => entries.at(-1)?.id === appended[0]!.id);
        expect(new Set(batches.map((batch) => batch.epoch.id))).toEqual(new Set([epoch.id, next.epoch.id]));
      }
      await Promise.all(stores.map((store) => store.close()));
      expect((await agreed(await open()))?.epoch.id).toBe(next.epoch.id);
      const { jsm } = await on.nodes.operator();
      const names = (await jsm.consumers.list(STREAM).next()).map(({ name }) => name);
      expect(names.filter((name) => name.startsWith('epoch-'))).toEqual([`epoch-${next.epoch.id}`]);
    }, 20_000);
  },
  OTHERS,
);

for (const { name, binary, missing } of natsVersions(OTHERS)) {
  const isSkipped = missing !== undefined || inDepth(true, false);
  (isSkipped ? describe.skip : describe)(`nats store: restarts in a cluster of three, on ${name}`, () => {
    restartsOf(binary);
  });
}

function restartsOf(binary: string): void {
  const onCluster = async (run: (cluster: NatsCluster) => Promise<void>): Promise<void> => {
    const cluster = await NatsCluster.start(binary);
    try {
      await run(cluster);
    } finally {
      cluster.stop();
    }
  };

  /** The epoch that a new node opens after an append. */
  async function epochOn(cluster: NatsCluster): Promise<string> {
    const connection = { servers: cluster.servers(0) };
    const options = { connection, stream: STREAM, timeoutMs: 30_000 };
    const logger = { warn: () => undefined, error: () => undefined };
    const store = await natsStore(options)({ clock: systemClock, logger });
    let epochId = '';
    await until(
      () =>
        store.append([newDraft()]).then(
          ({ epoch }) => {
            epochId = epoch.id;
            return true;
          },
          () => false,
        ),
      30_000,
    );
    await store.close();
    return epochId;
  }

  /** Kills a server, starts it again, and waits until the stream has a leader. */
  async function restart(cluster: NatsCluster, name: string): Promise<void> {
    await cluster.kill(name);
    cluster.startAgain(name);
    const { nc, leader } = await operator(cluster);
    await until(async () => (await leader()) !== undefined, 30_000);
    await nc.close();
  }

  async function operator(cluster: NatsCluster) {
    const nc = await connect({ servers: cluster.servers(0), timeout: 1_000, waitOnFirstConnect: true });
    const jsm = await jetstreamManager(nc, { timeout: 500, checkAPI: false });
    const leader = async () => (await jsm.streams.info(STREAM).catch(() => undefined))?.cluster?.leader;
    return { nc, leader };
  }

  test('only the server that holds a stream without replicas costs a gap when it restarts', async () => {
    await onCluster(async (cluster) => {
      const epochId = await epochOn(cluster);
      const { nc, leader } = await operator(cluster);
      const holder = (await leader())!;
      await nc.close();
      await restart(
        cluster,
        cluster.names.find((name) => name !== holder)!,
      );
      expect(await epochOn(cluster)).toBe(epochId);
      await restart(cluster, holder);
      expect(await epochOn(cluster)).not.toBe(epochId);
    });
  }, 200_000);
}
