import { type Delivery, deliveryFrom, fieldsOf, isCursor } from '../delivery.js';
import { isPhase, isReason } from '../machine.js';
import type { FeedState } from '../options.js';

/**
 * Part of the names of the channel and the lock. Change it with the messages: tabs with another version of the client
 * form a group of their own then.
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
  /** Asks the leader for a report. */
  | { readonly type: 'ask' }
  /** The answer, and the first message of a new leader. */
  | Report
  /** A delivery of the leader; `after` is its position before. */
  | { readonly type: 'delivery'; readonly after: string | undefined; readonly delivery: Delivery }
  | { readonly type: 'state'; readonly state: FeedState };

/** Other scripts of the origin may post anything, so only what has the right shape is used. Undefined for the rest. */
export function messageFrom(data: unknown): Message | undefined {
  try {
    return parse(fieldsOf(data));
  } catch {
    // A getter or a proxy.
    return undefined;
  }
}

function parse({ type, ...fields }: Readonly<Record<string, unknown>>): Message | undefined {
  if (type === 'ask') return { type };
  if (type === 'delivery') {
    const { after } = fields;
    const delivery = deliveryFrom(fields.delivery);
    return delivery && isOptional(after) ? { type, after, delivery } : undefined;
  }
  const state = stateFrom(fields.state);
  if (type === 'state') return state && { type, state };
  const { cursor, lastId } = fields;
  const isReport = type === 'report' && isOptional(cursor) && (lastId === undefined || typeof lastId === 'string');
  return isReport && state ? { type, cursor, lastId, state } : undefined;
}

function isOptional(cursor: unknown): cursor is string | undefined {
  return cursor === undefined || isCursor(cursor);
}

function stateFrom(value: unknown): FeedState | undefined {
  const { phase, reason, transport } = fieldsOf(value);
  if (!isPhase(phase) || !isReason(reason) || (transport !== 'poll' && transport !== 'sse')) return undefined;
  return { phase, reason, transport };
}
