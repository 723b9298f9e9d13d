import { Cluster } from 'ioredis';
import type { RedisClientFactory } from '../../../src/stores/redis/index.js';
import { until } from '../time/until.js';
import { RedisEngine } from './redis.js';

const SLOTS = 16_384;
/** The number of keys in one call of GETKEYSINSLOT. A log of these tests has fewer keys. */
const KEYS_MAX = 1_000;
const SETTINGS = {
  'cluster-enabled': 'yes',
  'cluster-announce-ip': '127.0.0.1',
  'cluster-node-timeout': '2000',
  'repl-diskless-sync-delay': '0',
};

/** A Cluster of primaries that share the slots equally. */
export class RedisCluster {
  readonly engines: RedisEngine[] = [];
  static async start(primaries: number): Promise<RedisCluster> {
    const cluster = new RedisCluster();
    for (let at = 0; at < primaries; at++) {
      const engine = await cluster.#join();
      const [first, next] = [at, at + 1].map((one) => Math.ceil((one * SLOTS) / primaries));
      await engine.use((client) => client.cluster('ADDSLOTSRANGE', first!, next! - 1));
    }
    await cluster.#settled();
    return cluster;
  }

  /** Makes clients of the Cluster. */
  get connection(): RedisClientFactory {
    return (redisOptions) =>
      new Cluster(
        this.engines.map(({ port }) => ({ host: '127.0.0.1', port })),
        // While a slot moves, calls are rejected soon.
        { redisOptions, retryDelayOnTryAgain: 5 },
      );
  }

  /** The primary that has the slot of a key. */
  async ownerOf(key: string): Promise<RedisEngine> {
    return this.#first().use(async (client) => {
      const slot = await client.cluster('KEYSLOT', key);
      const ranges = await client.cluster('SLOTS');
      const [, , primary] = ranges.find(([from, to]) => from <= slot && slot <= to) ?? [];
      const port = primary?.[1];
      const owner = this.engines.find((engine) => engine.port === port);
      if (!owner) throw new Error(`no engine has slot ${slot}`);
      return owner;
    });
  }

  /** Adds a replica, which has all entries when this resolves. */
  async addReplica(primary: RedisEngine): Promise<RedisEngine> {
    const replica = await this.#join();
    await this.#settled();
    const id = await primary.use((client) => client.cluster('MYID'));
    await replica.use((client) => client.cluster('REPLICATE', id));
    await until(async () => {
      const info = await replica.use((client) => client.info('replication'));
      return info.includes('master_link_status:up');
    });
    return replica;
  }

  /**
   * Moves the slot of a key to another primary, as resharding does: key by key, while clients use
   * it. `onKey` runs before each key, and before the last step.
   */
  async moveSlotOf(key: string, onKey: () => Promise<unknown>): Promise<RedisEngine> {
    const source = await this.ownerOf(key);
    const target = this.engines.find((engine) => engine !== source)!;
    const slot = await source.use((client) => client.cluster('KEYSLOT', key));
    const [sourceId, targetId] = await Promise.all(
      [source, target].map((engine) => engine.use((client) => client.cluster('MYID'))),
    );
    await target.use((client) => client.cluster('SETSLOT', slot, 'IMPORTING', sourceId!));
    await source.use((client) => client.cluster('SETSLOT', slot, 'MIGRATING', targetId!));
    await source.use(async (client) => {
      for (;;) {
        await onKey();
        const [next] = (await client.cluster('GETKEYSINSLOT', slot, KEYS_MAX)).sort(byOrderOfMove);
        if (next === undefined) return;
        await client.migrate('127.0.0.1', target.port, next, 0, 5_000);
      }
    });
    for (const engine of [target, source, ...this.engines]) {
      await engine.use((client) => client.cluster('SETSLOT', slot, 'NODE', targetId!));
    }
    return target;
  }

  async stop(): Promise<void> {
    for (const engine of this.engines) await engine.stop();
  }

  async #join(): Promise<RedisEngine> {
    const engine = await RedisEngine.start({ settings: SETTINGS });
    this.engines.push(engine);
    await engine.use(async (client) => {
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', this.engines.length);
      const first = this.#first();
      if (engine !== first) await client.cluster('MEET', '127.0.0.1', first.port);
    });
    return engine;
  }

  /** Every engine knows all others and the owners of all slots. */
  async #settled(): Promise<void> {
    for (const engine of this.engines) {
      await until(async () => {
        const info = await engine.use((client) => client.cluster('INFO'));
        return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${this.engines.length}`);
      });
    }
  }

  #first(): RedisEngine {
    const [first] = this.engines;
    if (!first) throw new Error('the Cluster has no engine');
    return first;
  }
}

/**
 * Indexes and claims move last, and those of patterns after all others. A script that does not
 * declare these keys then finds them empty.
 */
function byOrderOfMove(one: string, other: string): number {
  const order = (key: string): number => (key.endsWith('*') ? 2 : Number(/}:(t|claims):/.test(key)));
  return order(one) - order(other) || (one < other ? -1 : 1);
}
