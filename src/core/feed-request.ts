import type { LogPosition } from './page.js';
import type { Rights } from './rights.js';

/** A position to read from. `earliest` is the start of the log. */
export type Start = LogPosition | 'earliest';

/** The parts of every read by one client. */
export interface ClientRead {
  /**
   * No topic occurs twice. Requests for the same topics may share one array. The reader then sees
   * that they are equal without comparing the names.
   */
  readonly topics: readonly string[];
  /** Notifications per page. */
  readonly limit: number;
  /** The subscriber whom the request acts for. `revoke` finds the waiter by it. */
  readonly subscriber?: string | undefined;
  /** The client's address, for the limit per address. */
  readonly address?: string | undefined;
  /**
   * Bytes of notifications in the next page, if less than `pageBytesMax`. Called before each read.
   */
  readonly bytesMax?: (() => number) | undefined;
  /** The current access rules. Undefined: the topics may always be read. */
  readonly rights?: Rights | undefined;
  /**
   * The feed's `revocations` before the subscriber's access was checked. If the subscriber was
   * revoked since then, the check may be outdated: the request ends at once and the client
   * retries. Undefined: access was not checked.
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
