/**
 * The record of a test, as its clients and publishers saw it. The simulation and HTTP clients share
 * this format. The simulation knows every position; for an HTTP client a cursor is opaque. All
 * times are of one clock.
 *
 * `problemsOf` in checker.ts finds the problems of a history. `ClientRecord` and `PublishRecord` in
 * record.ts create histories.
 */
export interface History {
  readonly publishes: readonly Publish[];
  readonly clients: readonly ClientHistory[];
  /**
   * The logs by name, each in order. The simulation knows them; HTTP tests read the log at their
   * end. If no log is known, the client with the most notifications of a topic defines the order of
   * this topic.
   */
  readonly logs?: ReadonlyMap<string, readonly Logged[]>;
  /**
   * The log that another log continues. Both are equal up to a position, and cursors stay valid.
   * The key of the map is the name of the later log.
   */
  readonly forks?: ReadonlyMap<string, readonly Fork[]>;
}

/** A notification of one publish, with all repetitions of the call. */
export interface Publish {
  readonly id: string;
  readonly topic: string;
  /** When it was called for the first time. */
  readonly calledMs: number;
  /**
   * When it was acknowledged. Undefined without an acknowledgement. Then the log may or may not
   * contain it.
   */
  readonly acknowledgedMs?: number | undefined;
  /** A newer notification of the same topic and key may replace it. */
  readonly key?: string | undefined;
  /** The time of its expiry. After that, no node may deliver it. */
  readonly expiresMs?: number | undefined;
  /** The id of the record in a log that retracts it. Logs without this record have it. */
  readonly retractedBy?: string | undefined;
}

/** A notification in a log. */
export interface Logged {
  readonly id: string;
  readonly topic: string;
  readonly position: number;
  /** The time at which retention removed the entry, or a failover lost it. */
  readonly trimmedMs?: number | undefined;
  /** From then on it may be missing, because its topic was erased. */
  readonly erasedMs?: number | undefined;
  /** When the store has removed it, because its topic was erased. */
  readonly removedMs?: number | undefined;
}

/**
 * The last position that a log shares with an earlier log. `lost`: the earlier log had acknowledged
 * later entries.
 */
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

/** A complete page, or the part of a stream up to its last complete `id:`. */
export interface Answer extends Waiting {
  readonly notifications: readonly { readonly id: string; readonly topic: string }[];
  readonly cursor: string;
  /** The position of the cursor, if known. */
  readonly place?: Place | undefined;
  readonly gap?: 'expired' | 'reset' | undefined;
  /**
   * The answer only reports the client's position, as at the start of a stream. It does not show
   * that no notification exists.
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
  /**
   * The time since which no fault has delayed the request; `Infinity` during a fault. Undefined if
   * the run has no fault.
   */
  readonly quietSinceMs?: number | undefined;
  readonly atMs: number;
  /** When the node sent the answer, if known. */
  readonly sentMs?: number | undefined;
}

/** A topic is revoked from a client, or granted to it. */
export interface RightsChange {
  readonly topic: string;
  readonly allowed: boolean;
  readonly calledMs: number;
  /** The time of the acknowledgement. Without one, the change may or may not be in effect. */
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
  | 'erased'
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
