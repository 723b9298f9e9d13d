import type { Clock } from './clock.js';
import type { Draft, LogEntry } from './notification.js';

/**
 * The log's incarnation. A store makes a new one whenever it cannot promise that positions still mean what they meant:
 * a memory log that starts, an engine that was wiped or lost what it had acknowledged.
 */
export interface Epoch {
  /** Random and unique to this incarnation. */
  readonly id: string;
  /** Random, at least 128 bits, kept beside the id: all nodes of a store seal cursors with it. Never shown to anyone. */
  readonly secret: string;
  /**
   * The epochs that this one continues, newest first, at most `PAST_EPOCHS_MAX`. A failover that keeps a prefix of the
   * log names the old epoch here, so that cursors within that prefix stay valid. Absent: nothing before it is known.
   */
  readonly before?: readonly PastEpoch[] | undefined;
}

/** An epoch that a later one continues. */
export interface PastEpoch {
  readonly id: string;
  readonly secret: string;
  /**
   * Up to this position both logs hold the same entries. A store that is not sure states a lower position: a client
   * beyond it gets a `reset` gap, which costs time; a position that is too high loses notifications silently.
   */
  readonly upTo: number;
  /**
   * Entries after `upTo` were acknowledged in that epoch and are lost, or may be. A client that continues past this
   * point gets an `expired` gap once, because it may have missed notifications.
   */
  readonly lost?: boolean | undefined;
}

/** Epochs that a log remembers: some engines begin one at every start. About 32 KiB. */
export const PAST_EPOCHS_MAX = 256;

/** What became of one draft. */
export interface Appended {
  readonly id: string;
  readonly position: number;
  /** The id had been appended before, inside the idempotency window; `position` is where it stands since then. */
  readonly duplicate: boolean;
}

/** What an append did. */
export interface AppendResult {
  /** The log that the positions belong to. */
  readonly epoch: Epoch;
  /** One for each draft, in their order. */
  readonly appended: readonly Appended[];
}

export interface ReadQuery {
  readonly topics: readonly string[];
  /** Read strictly after this position; 0 is before everything. */
  readonly after: number;
  /** At most this many entries; 0 asks for the state of the log only. */
  readonly limit: number;
  /** At most this many bytes of JSON, but always one entry if there is one. */
  readonly bytesMax: number;
}

export interface ReadResult {
  readonly epoch: Epoch;
  /** In order of position, strictly after `after`, of the asked topics only. */
  readonly entries: readonly LogEntry[];
  /** There is more to read after the last entry: `limit` or `bytesMax` cut it off. */
  readonly more: boolean;
  /** Every position up to this one is visible and was looked at, unless `more`. 0 when nothing was ever appended. */
  readonly head: number;
  /** The highest position that retention has removed, 0 if none: what follows it is complete, what does not is not. */
  readonly trimmed: number;
}

/** What a tail hands over: everything between `after` and `head`, with nothing missing. */
export interface TailBatch {
  readonly epoch: Epoch;
  /**
   * The position that this batch follows. Normally the `head` of the batch before; a higher one admits that what lies
   * between could not be delivered (retention overtook a node that was cut off), and readers then look for a gap.
   */
  readonly after: number;
  /** In order of position. May be empty, when only the epoch or the head moved. */
  readonly entries: readonly LogEntry[];
  readonly head: number;
}

/** An open tail. */
export interface Tail {
  /** Ends it: once this resolves, `onAppended` is not called again and nothing is left open for it. */
  close(): Promise<void>;
}

/**
 * Where the log lives. A driver implements these four methods and knows nothing of waiters; the core knows nothing of
 * engines. `storeContract` of `nest-notifications/testing` checks every sentence here. {@link ClaimStore} and
 * {@link IdLookup} are abilities that a driver may add.
 *
 * **Positions** are safe integers above 0, strictly increasing in the order in which entries become visible. A position
 * must become visible, to `read` and `tail` alike, only when every lower one is visible or will never exist: a reader
 * that has seen 7 never comes back for a 6 that committed late, so it would be lost.
 *
 * **Retention** by count and by bytes counts notifications. The library's own records, on topics that begin with `$`, have
 * their own room (`core/records.ts`: 100,000 records and 16 MiB), and only records beyond it count. Otherwise a caller
 * who causes records, such as revocations, could push out the notifications of others. Entries are removed from the oldest
 * on, records among them, so everything above `trimmed` stays complete.
 */
export interface Store {
  /**
   * Appends all drafts or none, next to each other and in their order, and resolves only when they are as durable as the
   * engine promises: what was acknowledged is never lost afterwards, or the epoch changes.
   *
   * What was acknowledged can be read on every node: a cursor behind it is never beyond the head that `read` answers, which
   * would make it a cursor of a log that was lost.
   *
   * A draft whose id was appended before, within the driver's idempotency window, is not appended again but answered
   * with its first position and `duplicate: true`, also when two nodes append it at once, and also within one array.
   *
   * Rejects with a `NotificationsError` of code `store_unavailable` while the engine cannot be reached. A caller may
   * then repeat the call with the same ids.
   */
  append(drafts: readonly Draft[]): Promise<AppendResult>;

  /**
   * Reads a page by index: the cost follows what it returns, not the length of the log or the number of its topics.
   * What retention has removed is left out silently; `trimmed` lets the caller notice.
   *
   * Rejects with `store_unavailable` when the engine cannot be reached, within a bounded time.
   */
  read(query: ReadQuery): Promise<ReadResult>;

  /**
   * Follows the log: calls `onAppended` with every entry of every topic, once and in order, starting right after a
   * position. Resolves when it is armed: whatever is appended afterwards will be handed over.
   *
   * It survives restarts of its engine and resumes where it was, without help. A new epoch is handed over in a batch of
   * its own kind: its `after` says where the new incarnation is followed from. `onAppended` never throws.
   */
  tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail>;

  /** Closes tails and connections. Calls under way settle; later ones reject with `store_unavailable`. */
  close(): Promise<void>;
}

/**
 * An ability that a driver may add: keys that can be claimed once. Single-use tickets are built on it. A driver that
 * implements it lists `'claim'` in the `abilities` of `storeContract`.
 */
export interface ClaimStore {
  /**
   * Claims a key: resolves with `true` exactly once per key within `ttlMs`, over all nodes and all restarts of nodes.
   * Every other call resolves with `false`. If two calls arrive at once, one of them gets `true`.
   *
   * - The claim is as durable as an append. If the engine loses an acknowledged claim, the epoch changes. Otherwise the
   *   holder of a used ticket could wait for a crash and use it again.
   * - A claim does not depend on the log: no entry is appended, no head moves, and neither retention nor the idempotency
   *   window ends it. Otherwise a busy log would make a used ticket good again.
   * - A claim is never evicted. If the store holds as many claims as it may, new keys are rejected with
   *   `store_unavailable`.
   * - A claim ends no earlier than after `ttlMs` of elapsed time, also when a wall clock jumps. It may last longer: drivers
   *   remove expired claims in batches, without a timer for each.
   * - A call that rejects may have claimed the key. The caller treats the key as claimed by another caller.
   *
   * Rejects with `store_unavailable` when the engine cannot be reached in time, after `close`, or at the bounds of claims.
   *
   * @param key 1 to 64 letters, digits, `-` and `_`
   * @param ttlMs a whole number of milliseconds, from 1 to 24 hours
   * @throws RangeError for another key or time; {@link checkClaim} checks both
   */
  claim(key: string, ttlMs: number): Promise<boolean>;
}

/**
 * An ability that a driver may add: find ids without appending. Publishing over HTTP uses it to compare a repeated id with
 * the first notification before anything is appended. A driver that implements it lists `'positionsOf'` in the
 * `abilities` of `storeContract`.
 */
export interface IdLookup {
  /**
   * The position of each id, in the order of `ids`: the position that `append` would answer now with `duplicate: true`.
   * `undefined` for an id that `append` would accept as new. Appends nothing.
   *
   * An append that was acknowledged before this call, by any node, is found. Otherwise a repeat on another node would
   * pass as new. Retention may already have removed the notification at a position.
   *
   * Rejects with `store_unavailable` when the engine cannot be reached in time, or after `close`.
   */
  positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]>;
}

/** What a driver may use of its surroundings. */
export interface StoreRuntime {
  readonly clock: Clock;
  readonly logger: StoreLogger;
}

/** Where a driver reports what operators should know. It never receives credentials or notification data. */
export interface StoreLogger {
  warn(message: string): void;
  error(message: string): void;
}

/** Makes a store when the application starts; drivers export a function that takes options and returns one of these. */
export type StoreFactory = (runtime: StoreRuntime) => Store | Promise<Store>;
