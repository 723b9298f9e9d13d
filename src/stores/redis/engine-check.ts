import type { Cluster, Redis } from 'ioredis';
import { inspectLua } from './lua/inspect.lua.js';
import { type RedisClient, Script } from './script.js';

/** The settings of the log's engine. */
export interface EngineReport {
  /** The reason why the store rejects this engine. */
  readonly refusal: string | undefined;
  /** An append is on the engine's disk before the engine answers. */
  readonly synced: boolean;
  /** The engine has replicas, and accepts appends while no replica is connected to it. */
  readonly acceptsAlone: boolean;
  /** The most bytes of memory that the engine uses; 0 if it has no limit. */
  readonly memoryBytesMax: number;
}

/** Reads the settings of the engine that has a key. */
export class EngineCheck {
  readonly #script: Script;
  readonly #key: string;
  /** False after the engine has rejected CONFIG: each rejection adds a line to its log. */
  #mayAskConfig = true;

  private constructor(script: Script, key: string) {
    this.#script = script;
    this.#key = key;
  }

  static async of(key: string): Promise<EngineCheck> {
    return new EngineCheck(await Script.of(inspectLua), key);
  }

  async report(client: RedisClient): Promise<EngineReport> {
    const [memory, replication, persistence] = (await this.#script.run(client, [this.#key], [])) as string[];
    const hasAof = valueOf(persistence, 'aof_enabled') === '1';
    return {
      refusal: evictionIn(memory),
      synced: hasAof && (await this.#isSynced(client)),
      acceptsAlone:
        valueOf(replication, 'connected_slaves') !== '0' &&
        // The reply has this line only if min-replicas-to-write is set.
        valueOf(replication, 'min_slaves_good_slaves') === undefined,
      memoryBytesMax: Number(valueOf(memory, 'maxmemory') ?? 0),
    };
  }

  /** In a Cluster, every primary may get the log's slot. */
  async #isSynced(client: RedisClient): Promise<boolean> {
    if (!this.#mayAskConfig) return false;
    const engines = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
    try {
      const settings = await Promise.all(
        engines.map((engine) => engine.call('CONFIG', 'GET', 'appendfsync', 'no-appendfsync-on-rewrite')),
      );
      return settings.every((list) => {
        const values = list as string[];
        return values.includes('always') && values.includes('no');
      });
    } catch (error) {
      if (error instanceof Error && /NOPERM|unknown command/i.test(error.message)) this.#mayAskConfig = false;
      return false;
    }
  }
}

/**
 * An engine that may evict any key at any time cannot hold a log: the store could not detect that
 * a part of an index is missing.
 */
function evictionIn(memory: string | undefined): string | undefined {
  const policy = valueOf(memory, 'maxmemory_policy') ?? '';
  if (!policy.startsWith('allkeys-') || valueOf(memory, 'maxmemory') === '0') return undefined;
  return `Redis may evict the log: its maxmemory-policy is ${policy}, must be noeviction (or one of volatile-*).`;
}

function valueOf(info = '', name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}
