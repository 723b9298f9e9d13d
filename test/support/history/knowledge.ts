import type { Logged, Publish, Waiting } from './history.js';
import type { Orders } from './orders.js';

/** The facts that a history is checked against. */
export interface Knowledge {
  readonly orders: Orders;
  readonly publishes: ReadonlyMap<string, Publish>;
  /** Milliseconds within which a notification that can be delivered must be delivered. */
  readonly lateMs: number;
  /** Whether a gap may be right although its notifications are unknown. */
  readonly gapsMayBe: boolean;
}

/**
 * Whether a page may lack a notification: it has expired, it was retracted or erased, or a newer
 * one of its topic and key is in the log.
 */
export function mayLack(
  { orders, publishes }: Knowledge,
  log: string,
  { id, topic, position, erasedMs = Infinity }: Logged,
  { atMs, sentMs = atMs }: Waiting,
): boolean {
  if (erasedMs <= sentMs) return true;
  const publish = publishes.get(id);
  if ((publish?.expiresMs ?? Infinity) <= sentMs) return true;
  const record = publish?.retractedBy === undefined ? undefined : orders.entry(log, publish.retractedBy);
  if (record && record.position > position && (publishes.get(record.id)?.calledMs ?? 0) <= sentMs) return true;
  if (publish?.key === undefined) return false;
  return orders.after(log, topic, position).some((newer) => {
    const { key, calledMs } = publishes.get(newer.id)!;
    return key === publish.key && calledMs <= sentMs;
  });
}
