/** Subscribers that are remembered. Names have at most 200 characters, so the record takes less than 1 MiB. */
export const RECENT_REVOCATIONS_MAX = 1_000;

/**
 * Counts revocations and remembers whom the recent ones concern. A request notes the count before its access is checked. When
 * it is about to wait, `affects` says whether its subscriber has lost access since then. Other subscribers are not disturbed.
 */
export class RecentRevocations {
  #count = 0;
  /** Revocations up to this count may concern anyone: they were missed, or their subscriber is no longer remembered. */
  #unknownUpTo = 0;
  /** The count of each subscriber's last revocation, in this order. */
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

  /** This node may have missed revocations, of any subscriber. */
  addUnknown(): void {
    this.#unknownUpTo = ++this.#count;
    this.#lastOf.clear();
  }

  /** True if access was revoked from the subscriber after the count was `since`, or if that is unknown. */
  affects(subscriber: string, since: number): boolean {
    return since < Math.max(this.#unknownUpTo, this.#lastOf.get(subscriber) ?? 0);
  }
}
