import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import type { LogPosition } from '../../src/core/page.js';
import type { AppendResult, Store } from '../../src/core/store.js';
import { redisStore, type RedisStoreOptions } from '../../src/stores/redis/index.js';
import { agreeLua } from '../../src/stores/redis/lua/agree.lua.js';
import { inDepth } from '../support/depth.js';
import { RedisEngine, type RedisEngineOptions, redisMissing } from '../support/engines/redis.js';
import { TcpProxy } from '../support/tcp/proxy.js';
import { pageAfter, PollingClient, TestNode } from '../support/stores/redis.js';
import { newDraft, newDrafts } from '../support/drafts.js';
import { until } from '../support/time/until.js';

const describeRedis = redisMissing() === undefined ? describe : describe.skip;
const testInFull = inDepth(false, true) ? test : test.skip;

const UNAVAILABLE = { name: 'NotificationsError', code: 'store_unavailable' };
/** A replica must have run this long before the last append; see SKEW_MS in `agree.lua.ts`. */
const REPLICA_S = 7;
const NO_DELAY = { 'repl-diskless-sync-delay': '0' };

let open: { close(): Promise<void> }[];
const opened = <T extends { close(): Promise<void> }>(one: T): T => {
  open.push(one);
  return one;
};
const startEngine = async (options?: RedisEngineOptions): Promise<RedisEngine> => {
  const engine = await RedisEngine.start(options);
  opened({ close: () => engine.stop() });
  return engine;
};
const openNode = async (engine: RedisEngine, options?: Partial<RedisStoreOptions>) =>
  opened(await TestNode.open(engine, options));

beforeEach(() => {
  open = [];
});
afterEach(async () => {
  for (const one of open.reverse()) await one.close();
});

/** Repeats an append until it is acknowledged. */
async function append(node: TestNode, count: number): Promise<AppendResult> {
  let result: AppendResult | undefined;
  const more = newDrafts(count);
  const attempt = async (): Promise<boolean> => {
    result = await node.store.append(more).catch(() => undefined);
    return result !== undefined;
  };
  await until(attempt);
  return result!;
}

/** Polls until nothing is left, and returns the gaps that it received. */
async function gapsAfter(node: TestNode, start: LogPosition): Promise<string[]> {
  const gaps: string[] = [];
  for (let after = start; ;) {
    const { gap, epoch, position, more } = await pageAfter(node.feed, after);
    if (gap) gaps.push(gap.reason);
    after = { epochId: epoch.id, position };
    if (!more && !gap) return gaps;
  }
}

describeRedis('an engine that restarts, and no node is left that knew what it had', () => {
  /** Appends 100, of which the disk keeps 80. */
  async function powerCut(appendonly: 'always' | 'everysec', keeps: number): Promise<LogPosition> {
    const engine = await startEngine({ appendonly });
    const gone = await TestNode.open(engine);
    const { epoch } = await gone.store.append(newDrafts(keeps));
    const bytes = await engine.aofBytes();
    if (keeps < 100) await gone.store.append(newDrafts(100 - keeps));
    await gone.close();
    await engine.losePower(bytes);
    await engine.startAgain();
    restarted = engine;
    return { epochId: epoch.id, position: 0 };
  }
  let restarted: RedisEngine;

  test('everysec: every cursor gets one gap, before the loss and within it, and none later', async () => {
    const place = await powerCut('everysec', 80);
    const node = await openNode(restarted);
    await node.store.append(newDrafts(40));
    await until(() => node.feed.window.head === 120);
    for (const position of [1, 50, 79, 80]) {
      expect(await gapsAfter(node, { ...place, position })).toEqual(['expired']);
    }
    for (const position of [81, 90, 100]) expect(await gapsAfter(node, { ...place, position })).toEqual(['reset']);
    const { epoch } = node.feed.window;
    expect(await gapsAfter(node, { epochId: epoch.id, position: 50 })).toEqual([]);
  });

  test('everysec: the next epoch states that entries of the last one may be lost, also to tickets', async () => {
    const place = await powerCut('everysec', 100);
    const node = await openNode(restarted);
    const { epoch } = await node.store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    expect(epoch.id).not.toBe(place.epochId);
    expect(epoch.before).toMatchObject([{ id: place.epochId, upTo: 100, lost: true }]);
  });

  test('always: no cursor gets a gap', async () => {
    const place = await powerCut('always', 100);
    const node = await openNode(restarted);
    await node.store.append(newDrafts(5));
    await until(() => node.feed.window.head === 105);
    for (const position of [0, 50, 100]) expect(await gapsAfter(node, { ...place, position })).toEqual([]);
  });
});

describeRedis('two nodes that begin epochs at once', () => {
  const openStore = async (engine: RedisEngine): Promise<Store> => {
    const logger = { warn: () => undefined, error: () => undefined };
    return opened(await redisStore({ connection: engine.url })({ clock: systemClock, logger }));
  };

  test('two epochs with the same number never use a position twice', async () => {
    const engine = await startEngine();
    const [one, other] = [await openStore(engine), await openStore(engine)];
    const results: AppendResult[] = [];
    const append = async (store: Store) => results.push(await store.append(newDrafts(3)));
    await append(one);
    await append(other);
    // Emptied twice; each node finds one of the two empty engines, and begins an epoch.
    await engine.use((client) => client.flushall());
    await append(one);
    await engine.use((client) => client.flushall());
    await append(other);
    await append(one);
    const kept = await backup(engine);
    await append(one);
    await restore(engine, kept);
    await append(one);
    const used = results.flatMap(({ epoch, appended }) => appended.map(({ position }) => `${epoch.id} ${position}`));
    expect(new Set(used).size).toBe(used.length);
  });
});

/** All keys as they are now. */
async function backup(engine: RedisEngine): Promise<readonly { key: string; value: Buffer }[]> {
  return engine.use(async (client) => {
    const keys = await client.keys('*');
    return Promise.all(keys.map(async (key) => ({ key, value: (await client.dumpBuffer(key))! })));
  });
}

async function restore(engine: RedisEngine, kept: Awaited<ReturnType<typeof backup>>): Promise<void> {
  await engine.use(async (client) => {
    for (const { key, value } of kept) await client.restore(key, 0, value, 'REPLACE');
  });
}

describeRedis('a failover to a replica', () => {
  let primary: RedisEngine;
  let replica: RedisEngine;
  /** The address by which nodes reach the primary. */
  let address: TcpProxy;

  beforeEach(async () => {
    primary = await startEngine({ settings: NO_DELAY });
    replica = await startEngine({ settings: { replicaof: `127.0.0.1 ${primary.port}`, ...NO_DELAY } });
    address = await TcpProxy.start(primary.port);
    opened({ close: () => address.stop() });
    await until(async () => (await infoOf(primary)).includes('state=online'));
  });

  const open = (options: Partial<RedisStoreOptions> = {}) =>
    openNode(primary, { connection: `redis://127.0.0.1:${address.port}`, timeoutMs: 1_000, ...options });
  const connect = (node: TestNode, after: LogPosition) => {
    const client = new PollingClient(() => node.feed, ['orders'], after);
    opened({ close: () => client.stop() });
    return client;
  };
  const promote = () => replica.use((client) => client.replicaof('NO', 'ONE'));
  const leadTo = (engine: RedisEngine) => {
    address.targetPort = engine.port;
    address.cut();
  };

  testInFull(
    'with wait for every replica: no cursor gets a gap',
    async () => {
      await until(async () => (await uptimeOf(replica)) >= REPLICA_S);
      const node = await open({ wait: { replicas: 1, timeoutMs: 500 } });
      const { epoch } = await append(node, 10);
      const client = connect(node, { epochId: epoch.id, position: 10 });
      await promote();
      // It needs a replica of its own before it acknowledges anything.
      await startEngine({ settings: { replicaof: `127.0.0.1 ${replica.port}` } });
      await until(async () => (await infoOf(replica)).includes('state=online'));
      leadTo(replica);
      const { appended, epoch: later } = await append(node, 1);
      expect(later.id).not.toBe(epoch.id);
      expect(later.before).toMatchObject([{ id: epoch.id, upTo: 10, lost: false }]);
      await until(() => client.ids.includes(appended[0]!.id));
      expect(client).toMatchObject({ ids: [appended[0]!.id], gaps: [] });
      for (const position of [0, 5, 10]) expect(await gapsAfter(node, { epochId: epoch.id, position })).toEqual([]);
    },
    30_000,
  );

  test('without wait a loss is possible: every cursor gets one gap', async () => {
    const node = await open();
    const { epoch } = await append(node, 10);
    await until(async () => (await headOf(replica)) === '10');
    await node.close();
    await promote();
    leadTo(replica);
    const next = await open();
    await append(next, 1);
    await until(() => next.feed.window.head === 11);
    for (const position of [0, 5, 10]) {
      expect(await gapsAfter(next, { epochId: epoch.id, position })).toEqual(['expired']);
    }
  });

  test('the newest entries are lost: cursors below the loss get one gap, those beyond it start over', async () => {
    const node = await open();
    const { epoch } = await append(node, 7);
    await until(async () => (await headOf(replica)) === '7');
    await promote();
    await append(node, 3);
    const client = connect(node, { epochId: epoch.id, position: 10 });
    leadTo(replica);
    const { epoch: later } = await append(node, 5);
    expect(later.before).toMatchObject([{ id: epoch.id, upTo: 7, lost: true }]);
    await until(() => client.gaps.length > 0);
    expect(client.gaps).toEqual(['reset']);
    // Until then the node serves the old epoch from its window, without a gap.
    await until(() => node.feed.window.epoch.id === later.id);
    for (const position of [0, 7]) expect(await gapsAfter(node, { epochId: epoch.id, position })).toEqual(['expired']);
    for (const position of [8, 10]) expect(await gapsAfter(node, { epochId: epoch.id, position })).toEqual(['reset']);
  });

  test('a replaced primary that is reached again is not trusted: nodes wait, and no epoch changes', async () => {
    const nodes = [await open(), await open()];
    await append(nodes[0]!, 5);
    await until(async () => (await headOf(replica)) === '5');
    await promote();
    leadTo(replica);
    const { epoch } = await append(nodes[0]!, 5);
    await append(nodes[1]!, 1);
    const eraBefore = await metaOf(primary, 'era');
    leadTo(primary);
    for (const { store } of nodes) {
      const refused = async (): Promise<boolean> => {
        const error: unknown = await store.append([newDraft()]).then(() => 'appended', (reason: unknown) => reason); // prettier-ignore
        expect(error).toMatchObject(UNAVAILABLE);
        return (error as Error).message.includes('older log');
      };
      await until(refused);
    }
    expect(await metaOf(primary, 'era')).toBe(eraBefore);
    leadTo(replica);
    for (const node of nodes) expect((await append(node, 1)).epoch.id).toBe(epoch.id);
    for (const node of nodes) await until(() => node.feed.window.head === 13);
    expect(await gapsAfter(nodes[1]!, { epochId: epoch.id, position: 5 })).toEqual([]);
  });

  test('nodes do not read from a primary that became a replica', async () => {
    const node = await open();
    await append(node, 1);
    await until(async () => (await headOf(replica)) === '1');
    await primary.use((client) => client.replicaof('127.0.0.1', '1'));
    const read = () => node.store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    await until(() => read().then(() => false, () => true)); // prettier-ignore
    await promote();
    leadTo(replica);
    await until(() => read().then(() => true, () => false)); // prettier-ignore
  });

  test('with wait, nodes leave a mark every second; without, an idle engine is not written to', async () => {
    const node = await open({ recheckMs: 50 });
    await append(node, 1);
    await node.store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    expect(await metaOf(primary, 'beat')).toBeNull();
    await open({ recheckMs: 50, wait: { replicas: 1, timeoutMs: 500 } });
    await until(async () => (await metaOf(replica, 'beat')) !== null);
  });

  test('a primary that accepts appends without replicas is reported once at start', async () => {
    const node = await open();
    expect(node.warnings).toEqual([expect.stringMatching(/min-replicas-to-write is not set/)]);
    await primary.use((client) => client.config('SET', 'min-replicas-to-write', '1'));
    expect((await open()).warnings).toEqual([]);
    expect((await open({ wait: { replicas: 1, timeoutMs: 500 } })).warnings).toEqual([]);
  });
});

describeRedis('an engine that rejects writes because it has no replica (min-replicas-to-write)', () => {
  const SETTINGS = { 'min-replicas-to-write': '1', ...NO_DELAY };
  const MESSAGE = { ...UNAVAILABLE, message: /NOREPLICAS/ };
  const replicaOf = async (engine: RedisEngine): Promise<RedisEngine> => {
    const replica = await startEngine({ settings: { replicaof: `127.0.0.1 ${engine.port}`, ...SETTINGS } });
    await until(async () => /min_slaves_good_slaves:[1-9]/.test(await infoOf(engine)));
    return replica;
  };

  test.each([
    ['continues to answer reads and tails after a restart, if nothing can be lost', { replicas: 1, timeoutMs: 500 }],
    ['rejects reads after a restart, if entries may be lost', undefined],
  ])('%s', async (_, wait) => {
    const engine = await startEngine({ appendonly: 'always', settings: SETTINGS });
    const replica = await replicaOf(engine);
    const node = await openNode(engine, { timeoutMs: 1_000, recheckMs: 50, ...(wait && { wait }) });
    const { epoch } = await append(node, 10);
    const client = new PollingClient(() => node.feed, ['orders'], { epochId: epoch.id, position: 5 });
    opened({ close: () => client.stop() });
    await until(() => client.ids.length === 5);
    await replica.kill();
    await engine.restart();
    await until(() => node.warnings.includes('redisStore: connected again'));
    const read = () => node.store.read({ topics: ['orders'], after: 0, limit: 100, bytesMax: 10_000 });
    if (wait) {
      const state = await read();
      expect([state.epoch.id, state.entries.length, state.head]).toEqual([epoch.id, 10, 10]);
      await (await node.store.tail(0, () => undefined)).close();
    } else {
      await expect(read()).rejects.toMatchObject(MESSAGE);
      await expect(node.store.tail(0, () => undefined)).rejects.toMatchObject(MESSAGE);
    }
    await expect(node.store.append(newDrafts(1))).rejects.toMatchObject(MESSAGE);
    await replicaOf(engine);
    const { epoch: later, appended } = await append(node, 1);
    expect(later.before).toMatchObject([{ id: epoch.id, upTo: 10, lost: !wait }]);
    await until(() => client.ids.includes(appended[0]!.id));
    expect(client.gaps).toEqual(wait ? [] : ['expired']);
  });

  testInFull(
    'continues to answer reads after a promotion, if nothing can be lost',
    async () => {
      const primary = await startEngine({ settings: SETTINGS });
      const replica = await replicaOf(primary);
      await until(async () => (await uptimeOf(replica)) >= REPLICA_S);
      const wait = { replicas: 1, timeoutMs: 500 };
      const before = await openNode(primary, { wait });
      const { epoch } = await append(before, 10);
      await before.close();
      await primary.kill();
      await replica.use((client) => client.replicaof('NO', 'ONE'));
      const node = await openNode(replica, { wait });
      expect(await gapsAfter(node, { epochId: epoch.id, position: 5 })).toEqual([]);
      await expect(node.store.append(newDrafts(1))).rejects.toMatchObject(MESSAGE);
      await replicaOf(replica);
      const { epoch: later } = await append(node, 1);
      expect(later.before).toMatchObject([{ id: epoch.id, upTo: 10, lost: false }]);
      await until(() => node.feed.window.head === 11);
      expect(await gapsAfter(node, { epochId: epoch.id, position: 5 })).toEqual([]);
    },
    30_000,
  );
});

describeRedis('whether the store is sure that nothing is lost', () => {
  /**
   * The script with clocks that agree exactly. A replica is stale if its last mark is not five
   * seconds ahead.
   */
  const script = `${agreeLua.replace('SKEW_MS = 5000', 'SKEW_MS = 0').replace('STALE_MS = 120000', 'STALE_MS = -5000')}
    return has_all(redis.call('INFO', 'replication')) and 1 or 0`;
  /** Milliseconds from now to the last append and mark. Both engines start in this suite. */
  const [IN_10_S, IN_3_S, LONG_AGO] = [10_000, 3_000, -600_000];
  let restarted: RedisEngine;
  let promoted: RedisEngine;

  beforeAll(async () => {
    restarted = await RedisEngine.start({ settings: NO_DELAY });
    promoted = await RedisEngine.start({ settings: { replicaof: `127.0.0.1 ${restarted.port}`, ...NO_DELAY } });
    await until(async () => (await infoOf(restarted)).includes('state=online'));
    await promoted.use((client) => client.replicaof('NO', 'ONE'));
  });
  afterAll(async () => {
    for (const one of [promoted, restarted]) await one.stop();
  });

  const isSure = (engine: RedisEngine, state: Readonly<Record<string, number>>): Promise<boolean> =>
    engine.use(async (client) => {
      const now = Date.now();
      const { time = 0, beat = 0, ...flags } = state;
      await client.hset('{a}:meta', { time: now + time, beat: now + beat, ...flags });
      return (await client.eval(script, 4, '{a}:meta', 'log', 'ids:0', 'ids:1')) === 1;
    });

  test.each([
    ['appendfsync always', { time: LONG_AGO, synced: 1, waited: 0, replicas: 0 }, true],
    ['everysec', { time: LONG_AGO, synced: 0, waited: 1, replicas: 0 }, false],
    ['always, but it had replicas', { time: LONG_AGO, synced: 1, waited: 0, replicas: 1 }, false],
    ['always, and appends waited for its replicas', { time: LONG_AGO, synced: 1, waited: 1, replicas: 1 }, true],
  ])('after a restart with %s', async (_, state, sure) => {
    expect(await isSure(restarted, state)).toBe(sure);
  });

  test.each([
    ['that had received all appends', { time: IN_10_S, synced: 0, waited: 1, replicas: 1 }, true],
    ['if appends did not wait', { time: IN_10_S, synced: 1, waited: 0, replicas: 1 }, false],
    ['that had received the last mark', { time: IN_3_S, beat: IN_10_S, synced: 0, waited: 1, replicas: 1 }, true],
    ['that was detached before', { time: IN_3_S, synced: 0, waited: 1, replicas: 1 }, false],
    ['that has restarted since', { time: LONG_AGO, synced: 1, waited: 1, replicas: 1 }, false],
  ])('after the promotion of a replica %s', async (_, state, sure) => {
    expect(await isSure(promoted, state)).toBe(sure);
  });
});

function infoOf(engine: RedisEngine): Promise<string> {
  return engine.use((client) => client.info());
}

async function uptimeOf(engine: RedisEngine): Promise<number> {
  return Number(/uptime_in_seconds:(\d+)/.exec(await infoOf(engine))?.[1]);
}

function metaOf(engine: RedisEngine, field: string): Promise<string | null> {
  return engine.use((client) => client.hget('{notifications}:meta', field));
}

function headOf(engine: RedisEngine): Promise<string | null> {
  return metaOf(engine, 'head');
}
