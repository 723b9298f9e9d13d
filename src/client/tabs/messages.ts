import type { FeedState } from '../connection-state.js';
import { type Delivery, deliveryFrom, fieldsOf, isCursor } from '../delivery.js';

/**
 * Part of the names of the channel and the lock. Change it together with the messages, so that tabs
 * with different versions of the client do not share.
 */
export const TABS_VERSION = 1;

/** The leader's position, and the last notification that it has received. */
export interface Report {
  readonly type: 'report';
  readonly cursor: string | undefined;
  readonly lastId: string | undefined;
  readonly state: FeedState;
}

/** The messages between tabs. */
export type Message =
  /** Requests a report from the leader. */
  | { readonly type: 'ask' }
  /** The leader's answer, and the first message of a new leader. */
  | Report
  /** A delivery of the leader; `after` is the position at which this delivery begins. */
  | { readonly type: 'delivery'; readonly after: string | undefined; readonly delivery: Delivery }
  | { readonly type: 'state'; readonly state: FeedState };

/** These are records, not arrays, so that the compiler reports a missing value. */
const PHASES: Readonly<Record<FeedState['phase'], 1>> = { connecting: 1, live: 1, waiting: 1, offline: 1, closed: 1 };
const REASONS: Readonly<Record<NonNullable<FeedState['reason']>, 1>> = {
  network: 1,
  auth: 1,
  malformed: 1,
  busy: 1,
  server: 1,
  hidden: 1,
  refused: 1,
  closed: 1,
};
const TRANSPORTS: Readonly<Record<FeedState['transport'], 1>> = { poll: 1, sse: 1 };

/**
 * Checks a message, because any script of the origin may post to the channel. Undefined if its
 * shape is wrong.
 */
export function messageFrom(data: unknown): Message | undefined {
  try {
    return parse(fieldsOf(data));
  } catch {
    // A getter or a proxy can throw on any access.
    return undefined;
  }
}

function parse({ type, ...fields }: Readonly<Record<string, unknown>>): Message | undefined {
  if (type === 'ask') return { type };
  if (type === 'delivery') {
    const { after } = fields;
    const delivery = deliveryFrom(fields.delivery);
    return delivery && isOptionalCursor(after) ? { type, after, delivery } : undefined;
  }
  const state = stateFrom(fields.state);
  if (type === 'state') return state && { type, state };
  const { cursor, lastId } = fields;
  const isReport =
    type === 'report' && isOptionalCursor(cursor) && (lastId === undefined || typeof lastId === 'string');
  return isReport && state ? { type, cursor, lastId, state } : undefined;
}

function isOptionalCursor(value: unknown): value is string | undefined {
  return value === undefined || isCursor(value);
}

function stateFrom(value: unknown): FeedState | undefined {
  const { phase, reason, transport } = fieldsOf(value);
  const isReason = reason === undefined || isKeyOf(REASONS, reason);
  return isKeyOf(PHASES, phase) && isReason && isKeyOf(TRANSPORTS, transport)
    ? { phase, reason, transport }
    : undefined;
}

function isKeyOf<Key extends string>(record: Readonly<Record<Key, 1>>, value: unknown): value is Key {
  return typeof value === 'string' && Object.hasOwn(record, value);
}
