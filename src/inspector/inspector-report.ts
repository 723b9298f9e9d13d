/** The JSON of the inspector's routes. The page displays objects of these types. */

/**
 * The answer of `GET <path>/state`. The server computes it at most once per `refreshMs` for all
 * callers. It is below 640 KiB.
 */
export interface InspectorState {
  /** The time of the computation: an RFC 3339 timestamp in UTC. */
  readonly time: string;
  /** When this process has started: an RFC 3339 timestamp in UTC. */
  readonly startedAt: string;
  /** The minimum time between two requests of a client, in milliseconds. */
  readonly refreshMs: number;
  /** The names of all feeds in the order of their modules, at most 10. */
  readonly feedNames: readonly string[];
  /** All feeds, or the one of the parameter `feed`. */
  readonly feeds: readonly FeedReport[];
}

/** The state of one feed on this node. */
export interface FeedReport {
  /** The name of the feed, `default` for the feed without a name. */
  readonly name: string;
  /**
   * `draining`: the application shuts down. `store_unavailable`: the store rejects reads, or does
   * not answer within some seconds.
   */
  readonly health: 'ready' | 'draining' | 'store_unavailable';
  /** True if the feed serves no reads on this node. Then its waiters and window are zero. */
  readonly publishOnly: boolean;
  /** Held polls, open streams, and history reads that have not ended. */
  readonly waiters: { readonly poll: number; readonly stream: number; readonly history: number };
  /** Topics and subscribers with at least one waiter. */
  readonly topics: number;
  readonly subscribers: number;
  /** Waiters that are queued for a delivery. */
  readonly wakeQueue: number;
  /** The newest part of the log, in memory. */
  readonly window: { readonly entries: number; readonly bytes: number };
  /** The last minutes, for drawing. */
  readonly series: FeedSeries;
  /** The newest complete interval of `series`: the figures of the tiles. */
  readonly now: FeedRates;
  readonly topTopics: TopTopics;
  /** Rejected requests by code, most frequent first, at most 20. */
  readonly refusals: readonly CountedCode[];
  /** Gaps by reason, at most 20. `code` is the reason. */
  readonly gaps: readonly CountedCode[];
  readonly store: StoreReport;
  readonly slowReaders: SlowReaders;
  /** Present for the feed of an inbox. */
  readonly inbox?: InboxReport | undefined;
}

/**
 * Values by interval, oldest first. All lists have the same length, at most 60. In the first five
 * minutes of a recording, the lists are shorter. Rates are per second. `null`: there was no event
 * to measure in this interval.
 */
export interface FeedSeries {
  /** The length of an interval, 5,000. */
  readonly intervalMs: number;
  /** The end of the last interval: an RFC 3339 timestamp in UTC. */
  readonly endsAt: string;
  /** Notifications that this node has received from the log, per second. */
  readonly published: readonly number[];
  /**
   * Notifications that were written to readers, per second. A notification counts once for each
   * reader.
   */
  readonly delivered: readonly number[];
  /** JSON bytes of the delivered notifications, per second. */
  readonly bytes: readonly number[];
  /** Rejected requests, per second. */
  readonly refusals: readonly number[];
  /** Pages with a gap, per second. */
  readonly gaps: readonly number[];
  /** Connections that were closed because their clients did not read, per second. */
  readonly cuts: readonly number[];
  /** Polls, streams and reads of the history at the end of the interval. */
  readonly waiters: readonly number[];
  /** Time from the publish to the write. */
  readonly deliveryP50Ms: readonly (number | null)[];
  readonly deliveryP99Ms: readonly (number | null)[];
  /** Time of the store's appends and reads. */
  readonly appendP50Ms: readonly (number | null)[];
  readonly appendP99Ms: readonly (number | null)[];
  readonly readP50Ms: readonly (number | null)[];
  readonly readP99Ms: readonly (number | null)[];
  /** Failed calls of the store, per second. */
  readonly storeErrors: readonly number[];
  /** Reads of pages from the window, as a part of all reads: 0 to 1. */
  readonly windowHitRate: readonly (number | null)[];
  /** Time that the event loop has spent on deliveries, as a part of all time: 0 to 1. */
  readonly wakeLoad: readonly number[];
  /** The lag of the node behind the store at the end of the interval. */
  readonly tailLagMs: readonly number[];
}

/**
 * The last value of each series. Numbers are 0 and quantiles are `null` until the first interval
 * has ended.
 */
export type FeedRates = {
  readonly [Name in Exclude<keyof FeedSeries, 'intervalMs' | 'endsAt'>]: FeedSeries[Name][number];
};

/** The topics of a feed with the most activity. */
export interface TopTopics {
  /**
   * The topics with the most notifications in the last one to two minutes, in descending order, at
   * most 20.
   */
  readonly byPublishes: readonly TopTopic[];
  /** The topics with the most waiters now, in descending order, at most 20. */
  readonly byWaiters: readonly TopTopic[];
  /** False if the node has too many topics. Then `byWaiters` covers only 20,000 of them. */
  readonly complete: boolean;
}

/** The activity of one topic. */
export interface TopTopic {
  /** At most 200 characters. An application or a caller has chosen it, so it may contain HTML. */
  readonly topic: string;
  /** The approximate number of notifications per minute. */
  readonly publishesPerMinute: number;
  readonly waiters: number;
}

/** A count since the inspector began to record. */
export interface CountedCode {
  readonly code: string;
  readonly count: number;
}

/** The store of a feed, as this node sees it. */
export interface StoreReport {
  /** The time since this node learned of the oldest store entry that it has not received. */
  readonly tailLagMs: number;
  /** Calls since the inspector began to record. */
  readonly calls: readonly StoreCalls[];
  /** Failed calls by operation and code, such as `append store_unavailable`, at most 20. */
  readonly errors: readonly CountedCode[];
}

/** The calls of one operation of the store. */
export interface StoreCalls {
  readonly operation: 'append' | 'read' | 'remove' | 'claim' | 'lookup';
  readonly count: number;
  /** Of all calls since the inspector began to record. `null` without a call. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** Readers that have not read their last answer. */
export interface SlowReaders {
  /** Connections with unread bytes. */
  readonly connections: number;
  readonly bytes: number;
  /** The connections with the highest product of unread bytes and age, at most 20. */
  readonly list: readonly SlowReader[];
}

/** A connection with unread bytes. */
export interface SlowReader {
  /** Absent for a reader without a subscriber. It may contain HTML. At most 200 characters. */
  readonly subscriber?: string | undefined;
  /** The address that the limits per client use. */
  readonly address?: string | undefined;
  readonly transport: 'poll' | 'stream' | 'history';
  readonly unreadBytes: number;
  /** How long the client has not read. */
  readonly ageMs: number;
  /** The number of topics and patterns that the client reads. */
  readonly topics: number;
}

/** The inboxes of a feed on this node. */
export interface InboxReport {
  /** The states of inboxes that the node keeps in memory. */
  readonly states: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** The number of each operation since the inspector began to record, such as `read`. */
  readonly operations: readonly CountedCode[];
}

/**
 * The answer of both routes if the inspector rejects a request. A guard, a pipe or a filter of the
 * application may send another body.
 */
export interface InspectorError {
  readonly code: string;
  readonly message: string;
  /** The query parameter that is wrong. */
  readonly field?: string | undefined;
}
