import { mayLackFlag } from './flag.js';
import { type InboxState, isShown, itemState, snoozedItems } from './inbox-state.js';

/** The numbers of a badge. Archived, removed and snoozed items do not count. */
export interface InboxCounts {
  /** Items that no device has shown. `cap` + 1 means: more than `cap`. */
  readonly unseen: number;
  /** Unread items. `cap` + 1 means: more than `cap`. */
  readonly unread: number;
  /** Items in the inbox, read ones included. `cap` + 1 means: more than `cap`. */
  readonly total: number;
  /** Unread items by type. Above the cap, only the newest unread items are in these numbers. */
  readonly types: Readonly<Record<string, number>>;
  /** The highest exact number. */
  readonly cap: number;
  /**
   * When the next snoozed item becomes visible: an RFC 3339 timestamp in UTC. At that time the
   * counts change, but no event is sent. Undefined if no item is snoozed.
   */
  readonly snoozeEndsAt?: string | undefined;
}

/** One item of a count. */
export interface CountedItem {
  readonly position: number;
  readonly type: string;
}

/** The state and the bounds of a count. */
export interface CountOptions {
  readonly state: InboxState;
  readonly nowMs: number;
  readonly cap: number;
}

/**
 * Counts items, newest first. The count ends when each number exceeds the cap, or when no older
 * item can change a number. So the cost depends on the cap and on the exceptions, not on the length
 * of the log.
 */
export class InboxCounter {
  readonly #options: CountOptions;
  readonly #types = new Map<string, number>();
  #unseen = 0;
  #unread = 0;
  #total = 0;

  constructor(options: CountOptions) {
    this.#options = options;
  }

  /** Adds the next older item. */
  add({ position, type }: CountedItem): void {
    const { state, nowMs } = this.#options;
    const item = itemState(state, position);
    if (!isShown(item, nowMs)) return;
    this.#total++;
    if (!item.seen) this.#unseen++;
    if (item.read || this.#unread > this.#options.cap) return;
    this.#unread++;
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
  }

  /** Whether no item before a position can change the result. */
  isComplete(before: number): boolean {
    const { state, cap } = this.#options;
    if (!mayLackFlag(state.archived, before) || !mayLackFlag(state.removed, before)) return true;
    if (this.#total <= cap) return false;
    const isUnreadFinal = this.#unread > cap || !mayLackFlag(state.read, before);
    const isUnseenFinal = this.#unseen > cap || !mayLackFlag(state.seen, before);
    return isUnreadFinal && isUnseenFinal;
  }

  counts(): InboxCounts {
    const { state, nowMs, cap } = this.#options;
    const capped = (count: number): number => Math.min(count, cap + 1);
    const ends = snoozedItems(state, nowMs).map(([, untilMs]) => untilMs);
    return {
      unseen: capped(this.#unseen),
      unread: capped(this.#unread),
      total: capped(this.#total),
      types: Object.fromEntries(this.#types),
      cap,
      ...(ends.length > 0 && { snoozeEndsAt: new Date(Math.min(...ends)).toISOString() }),
    };
  }
}
