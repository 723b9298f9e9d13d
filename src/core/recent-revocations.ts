import type { ClientRead } from './feed-request.js';

/**
 * The maximum number of subscribers whose last revocation is remembered. Their names have at most
 * 200 characters, so the record takes less than 1 MiB.
 */
export const RECENT_REVOCATIONS_MAX = 1_000;

/**
 * Counts revocations and records the subscribers of the recent ones. A request notes the count
 * before its access is checked. When it is armed, `affects` returns whether its subscriber has lost
 * access since then. Requests of other subscribers continue.
 */
export class RecentRevocations {
  #count = 0;
  /**
   * Revocations up to this count may concern any subscriber: this node missed them or dropped their
   * record.
   */
  #unknownUpTo = 0;
  /** The count at each subscriber's last revocation. The oldest revocation is first. */
  readonly #lastOf = new Map<string, number>();

  get count(): number {
    return this.#count;
  }

  add(subscriber: string): void {
    this.#count++;
    this.#lastOf.delete(subscriber);
    this.#lastOf.set(subscriber, this.#count);
    if (this.#lastOf.size <= RECENT_REVOCATIONS_MAX) return;
    const [oldest] = this.#lastOf;
    if (!oldest) return;
    this.#lastOf.delete(oldest[0]);
    this.#unknownUpTo = oldest[1];
  }

  /** This node may have missed revocations of any subscriber. */
  addUnknown(): void {
    this.#unknownUpTo = ++this.#count;
    this.#lastOf.clear();
  }

  /** Whether the subscriber lost access after its access check, or may have lost it. */
  affects({ subscriber, revocations }: Pick<ClientRead, 'subscriber' | 'revocations'>): boolean {
    if (subscriber === undefined || revocations === undefined) return false;
    return revocations < Math.max(this.#unknownUpTo, this.#lastOf.get(subscriber) ?? 0);
  }
}
