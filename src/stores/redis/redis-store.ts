import type { Draft } from '../../core/notification.js';
import type { StoreAbilities } from '../../core/abilities.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import type {
  AppendResult,
  HistoryQuery,
  ReadQuery,
  ReadResult,
  Store,
  StoreRuntime,
  Tail,
  TailBatch,
} from '../../core/store.js';
import { Claims } from '../shared/claims.js';
import { AppendPipeline, type AppendPipelineOptions } from './append-pipeline.js';
import { Claimant } from './claimant.js';
import { Connection } from './connection.js';
import { indexKeys, logKeys } from './keys.js';
import { ListedPatterns } from './listed-patterns.js';
import { entriesOf, type LogReply, LogState } from './log-state.js';
import { appendLua } from './lua/append.lua.js';
import { claimLua } from './lua/claim.lua.js';
import { declareLua } from './lua/declare.lua.js';
import { followLua } from './lua/follow.lua.js';
import { lookupLua } from './lua/lookup.lua.js';
import { historyLua, readLua } from './lua/read.lua.js';
import { removeLua } from './lua/remove.lua.js';
import { trimLua } from './lua/trim.lua.js';
import type { RedisStoreSettings } from './options.js';
import { removeTopic } from './removal.js';
import { Script } from './script.js';
import { type Followed, RedisTail } from './tail.js';

/** Entries and bytes of one read of a tail. */
const FOLLOW_ENTRIES = 1_000;
const FOLLOW_BYTES = 1024 * 1024;
/** Entries that one call may remove for their age: other clients of the engine wait meanwhile. */
const TRIM_ENTRIES = 512;

/** The scripts that this class runs; appends and claims have classes of their own. */
interface Scripts {
  readonly read: Script;
  readonly history: Script;
  readonly follow: Script;
  readonly trim: Script;
  readonly lookup: Script;
  readonly declare: Script;
}

export class RedisStore implements Store, StoreAbilities {
  readonly #settings: RedisStoreSettings;
  readonly #runtime: StoreRuntime;
  readonly #state: LogState;
  readonly #keys: readonly string[];
  readonly #patterns: ListedPatterns;
  readonly #tails = new Set<RedisTail>();
  #connection!: Connection;
  #scripts!: Scripts;
  #appends!: AppendPipeline;
  #claims!: Claims;
  #removal!: AppendPipelineOptions;
  #recheck: unknown;
  #closed: Promise<void> | undefined;

  private constructor(settings: RedisStoreSettings, runtime: StoreRuntime) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#state = new LogState({ clock: runtime.clock, waitReplicas: settings.wait?.replicas ?? 0 });
    this.#keys = logKeys(settings.prefix);
    this.#patterns = new ListedPatterns(settings.prefix);
  }

  static async open(settings: RedisStoreSettings, runtime: StoreRuntime): Promise<RedisStore> {
    const store = new RedisStore(settings, runtime);
    const [append, claim, lookup, read, history, follow, trim, declare, remove] = await Promise.all([
      Script.of(appendLua),
      Script.of(claimLua),
      Script.of(lookupLua),
      Script.of(readLua),
      Script.of(historyLua),
      Script.of(followLua),
      Script.of(trimLua),
      Script.of(declareLua),
      Script.of(removeLua),
    ]);
    store.#scripts = { read, history, follow, trim, lookup, declare };
    const onWake = (): void => {
      store.#wakeTails();
    };
    store.#connection = await Connection.open({ settings, runtime, state: store.#state, onWake });
    const writing = {
      ...{ settings, runtime, connection: store.#connection, state: store.#state },
      ...{ keys: store.#keys, patterns: store.#patterns },
    };
    store.#appends = new AppendPipeline({ ...writing, script: append });
    store.#removal = { ...writing, script: remove };
    const claimant = new Claimant({ ...writing, script: claim });
    store.#claims = new Claims({ engine: 'redis', clock: runtime.clock, write: (call) => claimant.write(call) });
    return store;
  }

  async append(drafts: readonly Draft[]): Promise<AppendResult> {
    return this.#appends.append(drafts);
  }

  async read({ topics, after, before, limit, bytesMax }: ReadQuery | HistoryQuery): Promise<ReadResult> {
    const { read, history } = this.#scripts;
    const args = [after ?? before, limit, bytesMax, ...topics];
    const { epoch, head, trimmed, rest } = await this.#run(before === undefined ? read : history, args, topics);
    return { epoch, entries: entriesOf(rest[1]), more: Number(rest[0]) === 1, head, trimmed };
  }

  async tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> {
    this.#connection.assertOpen();
    const tail = new RedisTail({
      after,
      epochId: this.#state.epochId,
      onAppended,
      follow: (position) => this.#follow(position),
      onClosed: () => {
        this.#forget(tail);
      },
    });
    this.#tails.add(tail);
    try {
      await tail.arm();
    } catch (error) {
      await tail.close();
      throw error;
    }
    if (this.#tails.has(tail)) this.#recheckLater();
    return tail;
  }

  async remove(query: RemoveQuery): Promise<Removed> {
    return removeTopic(this.#removal, query);
  }

  async claim(key: string, ttlMs: number): Promise<boolean> {
    return this.#claims.claim(key, ttlMs);
  }

  async positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]> {
    const { rest } = await this.#run(this.#scripts.lookup, ids);
    return (rest[0] as unknown[]).map((position) => Number(position) || undefined);
  }

  async indexPatterns(patterns: readonly string[]): Promise<void> {
    this.#connection.assertOpen();
    await this.#run(this.#scripts.declare, patterns, patterns);
    this.#patterns.add(patterns);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#connection.stopCalls();
    await this.#appends.idle();
    await Promise.all([...this.#tails].map((tail) => tail.close()));
    await this.#connection.close();
  }

  async #follow(after: number): Promise<Followed> {
    const { epoch, head, rest } = await this.#run(this.#scripts.follow, [after, FOLLOW_ENTRIES, FOLLOW_BYTES]);
    const [from, upto, entries] = rest;
    return { epoch, head, from: Number(from), upto: Number(upto), entries: entriesOf(entries) };
  }

  async #run(script: Script, args: readonly (string | number)[], topics: readonly string[] = []): Promise<LogReply> {
    const keys = [...this.#keys, ...indexKeys(this.#settings.prefix, topics)];
    const sent = script.run(this.#connection.commands, keys, [...this.#state.args(), ...args]);
    return this.#state.learn(await this.#connection.settled(sent));
  }

  #wakeTails(): void {
    for (const tail of this.#tails) tail.wake();
  }

  #forget(tail: RedisTail): void {
    this.#tails.delete(tail);
    if (this.#tails.size > 0 || this.#recheck === undefined) return;
    this.#runtime.clock.clearTimeout(this.#recheck);
    this.#recheck = undefined;
  }

  /**
   * Reads the log at intervals, in case a wake-up was lost, and removes entries that are too old.
   */
  #recheckLater(): void {
    this.#recheck ??= this.#runtime.clock.setTimeout(() => {
      this.#recheck = undefined;
      this.#recheckLater();
      this.#connection.probe();
      this.#wakeTails();
      void this.#trim();
    }, this.#settings.recheckMs);
  }

  async #trim(): Promise<void> {
    const { retainCount, retainMs, retainBytes, idempotencyMs, idempotencyCount } = this.#settings;
    const args = [retainCount, retainMs, retainBytes, TRIM_ENTRIES, idempotencyMs, idempotencyCount];
    try {
      for (let removed = TRIM_ENTRIES; removed === TRIM_ENTRIES;) {
        const { rest } = await this.#run(this.#scripts.trim, args);
        removed = Number(rest[0]);
      }
    } catch {
      // The next interval retries; the connection reports the error.
    }
  }
}
