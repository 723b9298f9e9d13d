import type { LogPosition } from './page.js';
import type { Rights } from './rights.js';

/** A position to read from. `earliest` is the start of the log. */
export type Start = LogPosition | 'earliest';

/** The fields of every read request of a client. */
export interface ClientRead {
  /**
   * No topic occurs twice. Requests for the same topics may share one array. Then the reader need
   * not compare the names.
   */
  readonly topics: readonly string[];
  /** The maximum number of notifications per page. */
  readonly limit: number;
  /**
   * The subscriber for whom the request reads. A revocation of this subscriber ends the request.
   */
  readonly subscriber?: string | undefined;
  /** The client's address, for the limit per address. */
  readonly address?: string | undefined;
  /**
   * Returns the maximum bytes of notifications in the next page, if lower than `pageBytesMax`.
   * Called before each read.
   */
  readonly bytesMax?: (() => number) | undefined;
  /** The current access rules. Undefined: no rule limits the topics. */
  readonly rights?: Rights | undefined;
  /**
   * The value of the feed's `revocations`, noted before the access check. If the subscriber was
   * revoked after that, the check may be outdated: the request ends at once and the client retries.
   * Undefined: access was not checked.
   */
  readonly revocations?: number | undefined;
}

/** A poll or a stream: it reads after a position, and waits for new notifications. */
export interface FeedRequest extends ClientRead {
  readonly after: Start | 'latest';
  /** How long a poll, or one turn of a stream, waits for new notifications; 0 answers at once. */
  readonly waitMs: number;
  /** The stream ends after this time in any case. */
  readonly lifetimeMs?: number | undefined;
}

/** A read of the history: the newest notifications up to a position. It never waits. */
export interface FeedHistoryRequest extends ClientRead {
  /** `latest` is the newest position that this node has received. */
  readonly before: LogPosition | 'latest';
}
