import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { systemClock } from '../../src/core/clock.js';
import type { Store } from '../../src/core/store.js';
import { natsStore } from '../../src/stores/nats/index.js';
import { inDepth } from '../support/depth.js';
import { NatsCluster, natsVersions } from '../support/engines/nats.js';
import { STREAM } from '../support/stores/nats.js';
import { newDraft } from '../support/drafts.js';
import { until } from '../support/time/until.js';

/** Nodes may be without a leader this much longer than the engine. */
const BEHIND_MS_MAX = 6_000;

for (const { name, binary, missing } of natsVersions(inDepth([], ['nats-2.10', 'nats-newest']))) {
  (missing ? describe.skip : describe)(`nats store on a cluster of three, on ${name}`, () => {
    keepsGoing(binary);
  });
}

function keepsGoing(binary: string): void {
  let cluster: NatsCluster;
  const stores: Store[] = [];

  beforeEach(async () => {
    cluster = await NatsCluster.start(binary);
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    cluster.stop();
  });

  const open = async (at: number): Promise<void> => {
    const options = { connection: { servers: cluster.servers(at) }, stream: STREAM, replicas: 3, timeoutMs: 15_000 };
    const logger = { warn: () => undefined, error: () => undefined };
    stores.push(await natsStore(options)({ clock: systemClock, logger }));
  };
  const appended = (store: Store) =>
    store.append([newDraft()]).then(
      () => true,
      () => false,
    );

  test('three nodes create a new stream at once, as soon as the cluster has a leader', async () => {
    await open(0);
    const startMs = performance.now();
    await Promise.all([open(1), open(2)]);
    // A request that the server drops must not take the whole time of a call.
    expect(performance.now() - startMs).toBeLessThan(5_000);
    for (const store of stores) await until(() => appended(store));
    const epochs = await Promise.all(stores.map((store) => store.append([newDraft()])));
    expect(new Set(epochs.map(({ epoch }) => epoch.id)).size).toBe(1);
  }, 60_000);

  test('nodes recover soon after a leader is elected, in the same epoch', async () => {
    if (inDepth(true, false)) return;
    await Promise.all([open(0), open(1), open(2)]);
    const { epoch } = await stores[0]!.append([newDraft()]);
    const nc = await connect({ servers: cluster.servers(0), timeout: 1_000 });
    const jsm = await jetstreamManager(nc, { timeout: 500, checkAPI: false });
    const leader = async () => (await jsm.streams.info(STREAM).catch(() => undefined))?.cluster?.leader ?? '';
    const old = await leader();
    await cluster.kill(old);
    const elected = until(async () => ![old, ''].includes(await leader()), 60_000);
    const back = stores.map((store) => until(() => appended(store), 60_000));
    await elected;
    const startMs = performance.now();
    await Promise.all(back);
    await nc.close();
    expect(performance.now() - startMs).toBeLessThan(BEHIND_MS_MAX);
    expect((await stores[1]!.append([newDraft()])).epoch.id).toBe(epoch.id);
  }, 150_000);
}
