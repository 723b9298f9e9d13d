/** Who waits on whose behalf: an index by subscriber, empty when nobody waits. */
export class Subscribers<W extends { readonly subscriber: string | undefined }> {
  readonly #bySubscriber = new Map<string, Set<W>>();

  get size(): number {
    return this.#bySubscriber.size;
  }

  add(waiter: W): void {
    const { subscriber } = waiter;
    if (subscriber === undefined) return;
    const waiters = this.#bySubscriber.get(subscriber);
    if (waiters) waiters.add(waiter);
    else this.#bySubscriber.set(subscriber, new Set([waiter]));
  }

  remove(waiter: W): void {
    const { subscriber } = waiter;
    if (subscriber === undefined) return;
    const waiters = this.#bySubscriber.get(subscriber);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#bySubscriber.delete(subscriber);
  }

  /** A copy, as whoever is told something may leave. */
  all(): readonly W[] {
    return [...this.#bySubscriber.values()].flatMap((waiters) => [...waiters]);
  }

  /** A copy, too. */
  of(subscriber: string): readonly W[] {
    return [...(this.#bySubscriber.get(subscriber) ?? [])];
  }
}
