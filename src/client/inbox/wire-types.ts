import type { Retraction } from '../../core/retraction.js';
import type { InboxCounts } from '../../inbox/inbox-counts.js';
import type { InboxOp } from '../../inbox/nest/operation-request.js';
import type { InboxItem } from './types.js';

/** An operation of any device, as the live feed sends it. */
export interface Change {
  readonly op: InboxOp;
  readonly ids?: readonly string[] | undefined;
  /** The id of the newest item. The change also applies to all older items. */
  readonly upTo?: string | undefined;
  /** With `upTo`: the ids of snoozed items, which do not change. */
  readonly except?: readonly string[] | undefined;
  /**
   * The types of "mark all". A change from the server also has `ids`. A local change has `upTo`
   * instead.
   */
  readonly types?: readonly string[] | undefined;
  readonly until?: string | undefined;
}

/** One event of the live feed. */
export interface InboxEvent<N extends object> {
  /** In the order of the log: the newest is last. */
  readonly items: readonly InboxItem<N>[];
  readonly changes: readonly Change[];
  readonly retracted: readonly Retraction[];
  readonly counts: InboxCounts | undefined;
}

/** One page of the list. */
export interface InboxPage<N extends object> {
  /** Newest first. */
  readonly items: readonly InboxItem<N>[];
  readonly counts: InboxCounts;
  /** The value of `before` for the next older page. */
  readonly cursor: string;
  readonly more: boolean;
  /** The position after the newest item. */
  readonly follow: string;
}
