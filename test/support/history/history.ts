/**
 * The record of a test, as its clients and publishers saw it. The simulation and HTTP clients share
 * this format. The simulation knows every position; for an HTTP client a cursor is opaque. All
 * times are of one clock.
 *
 * `problemsOf` in checker.ts says what is wrong with it; `ClientRecord` and `PublishRecord` in
 * record.ts write it down.
 */
export interface History {
  readonly publishes: readonly Publish[];
  readonly clients: readonly ClientHistory[];
  /**
   * The logs as they were, by any name, each in its order: a simulation sees them, others read one
   * from its beginning when all is over. Without any, the order of a topic is taken from the client
   * that has seen the most of it.
   */
  readonly logs?: ReadonlyMap<string, readonly Logged[]>;
  /**
   * The log that another log continues. Both are equal up to a position, and cursors stay valid.
   * By the name of the later log.
   */
  readonly forks?: ReadonlyMap<string, readonly Fork[]>;
}

/** A notification of one publish, with all repetitions of the call. */
export interface Publish {
  readonly id: string;
  readonly topic: string;
  /** When it was called for the first time. */
  readonly calledMs: number;
  /** When it was acknowledged. Undefined: it was not, so that it may have been appended or not. */
  readonly acknowledgedMs?: number | undefined;
  /** A newer notification of the same topic and key may replace it. */
  readonly key?: string | undefined;
  /** From then on it may be missing, and must not be delivered. */
  readonly expiresMs?: number | undefined;
}

/** A notification in a log. */
export interface Logged {
  readonly id: string;
  readonly topic: string;
  readonly position: number;
  /** When retention has removed it, or a failover has lost it. */
  readonly trimmedMs?: number | undefined;
}

/** The end of what a log shares with an earlier one; `lost`: that one had acknowledged more. */
export interface Fork extends Place {
  readonly lost: boolean;
}

/** A position in one of the logs. */
export interface Place {
  readonly log: string;
  readonly position: number;
}

/** The answers that one client received, in their order. */
export interface ClientHistory {
  readonly name: string;
  readonly events: readonly (Answer | Waiting)[];
  /**
   * Changes of the topics that it may read. Without them it may read all topics that it requests.
   */
  readonly rights?: readonly RightsChange[];
  /**
   * It has read to the end, long after the last publish. A notification that it lacks now is lost.
   */
  readonly finished?: boolean;
}

/** A page that came whole; or the part of a stream that came whole with the last `id:`. */
export interface Answer extends Waiting {
  readonly notifications: readonly { readonly id: string; readonly topic: string }[];
  readonly cursor: string;
  /** The position of the cursor, if known. */
  readonly place?: Place | undefined;
  readonly gap?: 'expired' | 'reset' | undefined;
  /**
   * It only reports the client's position, not that no notification was due: a stream opens, or a
   * node ends the request.
   */
  readonly isPlaceOnly?: boolean | undefined;
}

/** A request that had not been answered at a moment. */
export interface Waiting {
  /**
   * The cursor of the request, `earliest` or `latest`. A request that continues from it belongs to
   * the same chain.
   */
  readonly from: string;
  readonly topics: readonly string[];
  /** The time of the request. For a stream: the time at which the previous part arrived. */
  readonly askedMs: number;
  /** Since when no fault was in its way: `Infinity` if one is. Left out: there never was any. */
  readonly quietSinceMs?: number | undefined;
  readonly atMs: number;
  /** When the node sent the answer, if known. */
  readonly sentMs?: number | undefined;
}

/** A topic is taken away from a client, or given to it. */
export interface RightsChange {
  readonly topic: string;
  readonly allowed: boolean;
  readonly calledMs: number;
  /** When that was acknowledged. Undefined: it was not, so that it may hold or not. */
  readonly doneMs?: number | undefined;
}

export type ProblemKind =
  | 'lost'
  | 'doubled'
  | 'out of order'
  | 'phantom'
  | 'foreign'
  | 'late'
  | 'expired'
  | 'replaced'
  | 'went back'
  | 'silent gap'
  | 'groundless gap';

export interface Problem {
  readonly kind: ProblemKind;
  readonly client: string;
  /** The notification, and the evidence. */
  readonly what: string;
}

export function isAnswer(event: Answer | Waiting): event is Answer {
  return 'cursor' in event;
}
