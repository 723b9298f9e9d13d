import type { Clock } from './clock.js';
import type { Draft, LogEntry } from './notification.js';
import type { Removed, RemoveQuery } from './removal.js';
import type { Retention } from './retention.js';

/**
 * Identifies one log. A store begins a new log when it cannot promise that positions keep their
 * meaning. This happens when a memory log starts, or when an engine was wiped or lost acknowledged
 * entries.
 */
export interface Epoch {
  /** Random, and different for each log. */
  readonly id: string;
  /**
   * Random, at least 128 bits, stored with the id. All nodes of a store seal cursors with it. It is
   * never exposed.
   */
  readonly secret: string;
  /**
   * The epochs that this one continues, newest first, at most `PAST_EPOCHS_MAX`. After a failover
   * that keeps the start of the log, the store names the old epoch here. So cursors in that part
   * stay valid. Absent: no earlier epoch is known.
   */
  readonly before?: readonly PastEpoch[] | undefined;
}

/** An epoch that a later one continues. */
export interface PastEpoch {
  readonly id: string;
  readonly secret: string;
  /**
   * Up to this position, the logs of this epoch and of the later epoch are equal. A store that is
   * not sure states a lower position. A client beyond it gets a `reset` gap, which only costs time.
   * A position that is too high loses notifications silently.
   */
  readonly upTo: number;
  /**
   * Entries after `upTo` were acknowledged in that epoch and are lost, or may be lost. A client
   * that continues past this point gets an `expired` gap once, because it may have missed
   * notifications.
   */
  readonly lost?: boolean | undefined;
}

/**
 * The number of past epochs that a log keeps, about 32 KiB. Some engines begin a new epoch at every
 * start.
 */
export const PAST_EPOCHS_MAX = 256;

/** The result for one draft. */
export interface Appended {
  readonly id: string;
  readonly position: number;
  /**
   * The id was appended before, inside the idempotency window. `position` is its first position.
   */
  readonly duplicate: boolean;
}

/** The result of an append. */
export interface AppendResult {
  /** The log that the positions belong to. */
  readonly epoch: Epoch;
  /** One for each draft, in the order of the drafts. */
  readonly appended: readonly Appended[];
}

/** The topics and the bounds of a page. */
export interface PageBounds {
  /**
   * Topics, and patterns if the driver has {@link PatternIndex}. Each topic matches at most one of
   * these names.
   */
  readonly topics: readonly string[];
  /** At most this many entries. 0 reads only the state of the log. */
  readonly limit: number;
  /** At most this many bytes of JSON, but at least one entry if one exists. */
  readonly bytesMax: number;
}

/** A page in the order of the log. */
export interface ReadQuery extends PageBounds {
  /** Read strictly after this position. 0 is before all entries. */
  readonly after: number;
  readonly before?: undefined;
}

/** Reads no entry. The result has the epoch, the head and the trimmed position of the log. */
export const END_OF_LOG: ReadQuery = Object.freeze({ topics: [], after: 0, limit: 0, bytesMax: 0 });

/** A page in the opposite order: the newest entries before a position. */
export interface HistoryQuery extends PageBounds {
  /**
   * Read strictly before this position, towards older entries. For a value above the head, the read
   * starts at the head; the maximum is `Number.MAX_SAFE_INTEGER`. A value of 1 or less reads no
   * entry.
   */
  readonly before: number;
  readonly after?: undefined;
}

/** One page of the log, and the state of the log at the time of the read. */
export interface ReadResult {
  readonly epoch: Epoch;
  /**
   * Entries of the requested topics only. A read after a position returns them in the order of the
   * log. A read before a position returns the newest first, so the last one is the oldest.
   */
  readonly entries: readonly LogEntry[];
  /**
   * More entries follow the last one in the direction of the read: `limit` or `bytesMax` ended the
   * page.
   */
  readonly more: boolean;
  /**
   * Every position up to this one is visible. Without `more`, the read has covered all of them. The
   * value is 0 before the first append.
   */
  readonly head: number;
  /**
   * The highest position that retention has removed, 0 if none. The log is complete after it, and
   * incomplete before. If `remove` has removed the positions directly after it, the value may be
   * the last of them. For a read of patterns, it is at least the position after which their index
   * is complete.
   */
  readonly trimmed: number;
}

/** A batch of a tail: everything between `after` and `head`, without a hole. */
export interface TailBatch {
  readonly epoch: Epoch;
  /**
   * The position that this batch follows. Normally this is the `head` of the previous batch. A
   * higher value means that some entries in between could not be delivered: retention removed them
   * while a node was disconnected. Readers then check for a gap.
   */
  readonly after: number;
  /** In order of position. Empty when only the epoch or the head changed. */
  readonly entries: readonly LogEntry[];
  readonly head: number;
}

/** An open tail. */
export interface Tail {
  /**
   * Ends the tail. After this resolves, `onAppended` is not called again, and the tail holds no
   * resources.
   */
  close(): Promise<void>;
}

/**
 * The storage of the log. A driver implements these five methods. It contains no code for waiters,
 * and the core contains no code for engines. `storeContract` of `nest-notifications/testing` checks
 * every sentence here. {@link ClaimStore}, {@link IdLookup} and {@link PatternIndex} are abilities
 * that a driver may add.
 *
 * **Positions** are safe integers above 0, strictly increasing in the order in which entries become
 * visible. A position becomes visible only when every lower one is visible or will never exist.
 * This holds for `read` and `tail` alike. A reader that has read position 7 never reads position 6
 * later, so a late commit at 6 would be lost.
 *
 * **Retention** limits the number and the bytes of notifications. The library's own records, on
 * topics that begin with `$`, have their own bounds (`core/records.ts`: 100,000 records and 16
 * MiB). Only records beyond these bounds count towards the limits for notifications. Otherwise a
 * caller that causes many records, such as revocations, could push out the notifications of other
 * callers. Retention removes the oldest entries first, including records, so everything above
 * `trimmed` stays complete.
 */
export interface Store {
  /**
   * Appends all drafts or none. Their entries are adjacent and in the order of the drafts. It
   * resolves only when the entries are as durable as the engine promises. If an acknowledged entry
   * is lost after that, the epoch changes.
   *
   * Every node can read an acknowledged entry. A `read` on any node returns a `head` at or above
   * the entry's position. A lower head would make the client's cursor look like a cursor of a lost
   * log.
   *
   * A draft whose id was appended before, within the driver's idempotency window, is not appended
   * again. Its result has the first position and `duplicate: true`. This also holds for two nodes
   * that append the id at the same time, and for an id that occurs twice in one array.
   *
   * Rejects with a `NotificationsError` of code `store_unavailable` while the engine cannot be
   * reached. A caller may then repeat the call with the same ids.
   */
  append(drafts: readonly Draft[]): Promise<AppendResult>;

  /**
   * Reads a page with the help of an index, in either direction. The cost depends on the size of
   * the result, not on the length of the log or the number of its topics. The result silently omits
   * entries that retention has removed. The caller detects this by `trimmed`.
   *
   * A read before a position omits no entry between this position and the oldest entry on the page.
   * If `more` is false, it returns every entry down to `trimmed`. A missing entry on such a page
   * would hide a notification from a history.
   *
   * Rejects with `store_unavailable` when the engine cannot be reached, within a bounded time.
   */
  read(query: ReadQuery | HistoryQuery): Promise<ReadResult>;

  /**
   * Follows the log: calls `onAppended` with every entry of every topic, once and in order,
   * starting right after a position. It resolves when the tail is armed: every later append is
   * delivered.
   *
   * A tail survives restarts of its engine and resumes at its position by itself. A new epoch
   * arrives in a separate batch. In this batch, `after` is a position of the new log, and the tail
   * continues after it. `onAppended` never throws.
   */
  tail(after: number, onAppended: (batch: TailBatch) => void): Promise<Tail>;

  /**
   * Removes the entries of one topic physically: a person's data, for example. It resolves when no
   * read and no new tail, on any node, returns one of them. The engine overwrites or frees their
   * bytes as soon as it can; each driver documents what its files, copies and logs keep.
   *
   * - No reader misses anything else. The epoch and `trimmed` stay the same, so no client gets a
   *   gap. The head does not move back, and no position is assigned again. A tail from a position
   *   before the removed entries delivers the others without a hole between its batches.
   * - Entries above `upTo` stay. Otherwise a notification that is published during the removal
   *   would be lost.
   * - Retention no longer counts the removed entries. Otherwise it would remove others too early.
   * - The ids of removed entries are removed from the storage of the engine. A node may remember
   *   them in memory until the idempotency window ends. So an append of such an id is either a
   *   duplicate, with its first position, or a new entry.
   * - The driver removes in small parts, so an append waits at most 100 ms for one of them.
   * - A call for a topic without entries removes nothing. So a call that failed, or whose node has
   *   ended, may be repeated until it succeeds.
   *
   * Rejects with `store_unavailable` when the engine cannot be reached, or after `close`. Some
   * entries may then be removed. The time of a call depends on the number of entries.
   */
  remove(query: RemoveQuery): Promise<Removed>;

  /**
   * Closes tails and connections. Calls in progress settle. Later calls reject with
   * `store_unavailable`.
   */
  close(): Promise<void>;
}

/**
 * An ability that a driver may add: keys that can be claimed once. Single-use tickets use it. A
 * driver that implements it lists `'claim'` in the `abilities` of `storeContract`.
 */
export interface ClaimStore {
  /**
   * Claims a key: resolves with `true` exactly once per key within `ttlMs`, over all nodes and all
   * restarts of nodes. Every other call resolves with `false`. If two calls arrive at once, one of
   * them gets `true`.
   *
   * - The claim is as durable as an append. If the engine loses an acknowledged claim, the epoch
   *   changes. Otherwise the holder of a used ticket could wait for a crash and use it again.
   * - A claim does not depend on the log: no entry is appended, no head moves, and neither
   *   retention nor the idempotency window ends it. Otherwise a busy log would make a used ticket
   *   valid again.
   * - A claim is never evicted. If the store holds its maximum of claims, new keys are rejected
   *   with `store_unavailable`.
   * - A claim lasts at least `ttlMs` of elapsed time, also when a wall clock jumps. It may last
   *   longer: drivers remove expired claims in batches, without a timer for each.
   * - A call that rejects may have claimed the key. The caller treats the key as claimed by another
   *   caller.
   *
   * Rejects with `store_unavailable` when the engine cannot be reached in time, after `close`, or
   * when the store holds its maximum of claims.
   *
   * @param key 1 to 64 letters, digits, `-` and `_`
   * @param ttlMs a whole number of milliseconds, from 1 to 24 hours
   * @throws RangeError for another key or time; {@link checkClaim} checks both
   */
  claim(key: string, ttlMs: number): Promise<boolean>;
}

/**
 * An ability that a driver may add: find ids without appending. When a client publishes over HTTP,
 * a repeated id is compared with the first notification before anything is appended. A driver that
 * implements it lists `'positionsOf'` in the `abilities` of `storeContract`.
 */
export interface IdLookup {
  /**
   * The position of each id, in the order of `ids`: the position that `append` would now return
   * with `duplicate: true`. `undefined` for an id that `append` would accept as new. Appends
   * nothing.
   *
   * It finds every id whose append was acknowledged before this call, on any node. Otherwise a
   * repeat on another node would count as new. Retention may already have removed the notification
   * at a position.
   *
   * Rejects with `store_unavailable` when the engine cannot be reached in time, or after `close`.
   */
  positionsOf(ids: readonly string[]): Promise<readonly (number | undefined)[]>;
}

/**
 * An ability that a driver may add: an index of the log by patterns of topics, such as `orders.*`.
 * It makes a read of a pattern cost as much as its result, however many topics the pattern matches.
 * A driver that implements it lists `'indexPatterns'` in the `abilities` of `storeContract`.
 */
export interface PatternIndex {
  /**
   * Declares patterns for the whole log. Every later append also indexes its entries by the
   * matching patterns: on every node, and from an outbox. `covers` of `core/patterns.ts` states
   * what a pattern matches. A `read` may then name patterns like topics, in both directions.
   *
   * - The declaration is part of the log, so no append on another node can miss it. Otherwise a
   *   node with an older configuration would append entries that readers of the pattern never find.
   * - The position of the declaration is kept with the pattern. An index lacks the entries before
   *   it. So in a read of the pattern, `trimmed` is at least this position. A repeated declaration
   *   does not move it. A driver that also finds older entries may keep it at 0.
   * - A read of a pattern that is not declared returns all of its entries, or none. If it returns
   *   none, `trimmed` is the head.
   * - A log keeps at most `PATTERNS_MAX` patterns. Beyond this number, it drops the ones that were
   *   declared longest ago. A dropped pattern that is declared again begins at the new position.
   * - A new epoch may lack the declarations. The caller then declares the patterns again.
   *
   * Rejects with `store_unavailable` when the engine cannot be reached in time, or after `close`.
   *
   * @param patterns at most `PATTERNS_MAX` names that end with `*`
   */
  indexPatterns(patterns: readonly string[]): Promise<void>;
}

/** The dependencies that a driver receives. */
export interface StoreRuntime {
  readonly clock: Clock;
  readonly logger: StoreLogger;
}

/**
 * Receives a driver's reports for operators. It never receives credentials or notification data.
 */
export interface StoreLogger {
  /** Reports a state to watch, such as a lost connection or a weaker guarantee. */
  warn(message: string): void;
  /** Reports a state that needs an operator. */
  error(message: string): void;
}

/**
 * Makes a store when the application starts. Drivers export a function that takes options and
 * returns a factory.
 */
export interface StoreFactory {
  (runtime: StoreRuntime): Store | Promise<Store>;
  /** The limits of the log, so that a module can warn if they are too low for its use. */
  readonly retention?: Retention | undefined;
}
