/**
 * What happened in a test, as far as its clients and publishers could see it: one format for the simulation, which knows every
 * position, and for clients that speak HTTP, to whom a cursor is a text without a meaning. All times are of one clock.
 *
 * `problemsOf` in checker.ts says what is wrong with it; `ClientRecord` and `PublishRecord` in record.ts write it down.
 */
export interface History {
  readonly publishes: readonly Publish[];
  readonly clients: readonly ClientHistory[];
  /**
   * The logs as they were, by any name, each in its order: a simulation sees them, others read one from its beginning when all is over.
   * Without any, the order of a topic is taken from the client that has seen the most of it.
   */
  readonly logs?: ReadonlyMap<string, readonly Logged[]>;
  /** Which log continues which: up to a position both hold the same, and cursors stay valid. By the name of the later log. */
  readonly forks?: ReadonlyMap<string, readonly Fork[]>;
}

/** A notification that somebody wanted to publish, however often the call was repeated. */
export interface Publish {
  readonly id: string;
  readonly topic: string;
  /** When it was called for the first time. */
  readonly calledMs: number;
  /** When it was acknowledged. Undefined: it was not, so that it may have been appended or not. */
  readonly acknowledgedMs?: number | undefined;
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

/** A place in one of the logs. */
export interface Place {
  readonly log: string;
  readonly position: number;
}

/** What one client was answered, in the order in which it was. */
export interface ClientHistory {
  readonly name: string;
  readonly events: readonly (Answer | Waiting)[];
  /** What it may read, where that changes; all it asks for if nothing is said. */
  readonly rights?: readonly RightsChange[];
  /** It has read to the end, long after the last publish: what it has not got by now it never will. */
  readonly finished?: boolean;
}

/** A page that came whole; or the part of a stream that came whole with the last `id:`. */
export interface Answer extends Waiting {
  readonly notifications: readonly { readonly id: string; readonly topic: string }[];
  readonly cursor: string;
  /** What the cursor means, if that is known. */
  readonly place?: Place | undefined;
  readonly gap?: 'expired' | 'reset' | undefined;
  /** It only says where the client stands, not that nothing was to be told: where a stream opens, or a node sends it away. */
  readonly isPlaceOnly?: boolean | undefined;
}

/** A request that had not been answered at a moment. */
export interface Waiting {
  /** The cursor that was asked with, `earliest` or `latest`. A request that goes on from it belongs to the same chain. */
  readonly from: string;
  readonly topics: readonly string[];
  /** When it was asked: of a stream, when the part before this one had come. */
  readonly askedMs: number;
  /** Since when no fault was in its way: `Infinity` if one is. Left out: there never was any. */
  readonly quietSinceMs?: number | undefined;
  readonly atMs: number;
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
  'lost' | 'doubled' | 'out of order' | 'phantom' | 'foreign' | 'late' | 'went back' | 'silent gap' | 'groundless gap';

export interface Problem {
  readonly kind: ProblemKind;
  readonly client: string;
  /** Which notification, and how that is seen. */
  readonly what: string;
}

export function isAnswer(event: Answer | Waiting): event is Answer {
  return 'cursor' in event;
}
