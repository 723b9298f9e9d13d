import type { Gap } from './gap.js';
import type { Draft, LogEntry } from './notification.js';
import type { FeedObserver, ObservedRead, PerformedOperation, StoreCall } from './observer.js';
import type { LogPage } from './page.js';

/**
 * The observers of one feed. It passes each call on to all of them. An observer may be added while
 * the feed runs.
 */
export class Observers implements Required<FeedObserver> {
  #observers: readonly FeedObserver[] = [];

  /** Adds an observer. Returns a function that removes it. */
  add(observer: FeedObserver): () => void {
    this.#observers = [...this.#observers, observer];
    return () => {
      this.#observers = this.#observers.filter((one) => one !== observer);
    };
  }

  /** Whether an observer has this method. Otherwise the caller need not measure anything. */
  observes(method: keyof FeedObserver): boolean {
    return this.#observers.some((observer) => observer[method] !== undefined);
  }

  armed(read: ObservedRead): void {
    for (const observer of this.#observers) observer.armed?.(read);
  }

  ended(read: ObservedRead): void {
    for (const observer of this.#observers) observer.ended?.(read);
  }

  published(entries: readonly LogEntry[]): void {
    for (const observer of this.#observers) observer.published?.(entries);
  }

  delivered(page: LogPage, read: ObservedRead): void {
    for (const observer of this.#observers) observer.delivered?.(page, read);
  }

  gap(gap: Gap, read: ObservedRead): void {
    for (const observer of this.#observers) observer.gap?.(gap, read);
  }

  rejected(error: unknown, read: ObservedRead): void {
    for (const observer of this.#observers) observer.rejected?.(error, read);
  }

  refused(error: unknown): void {
    for (const observer of this.#observers) observer.refused?.(error);
  }

  cut(limit: string): void {
    for (const observer of this.#observers) observer.cut?.(limit);
  }

  stored(call: StoreCall): void {
    for (const observer of this.#observers) observer.stored?.(call);
  }

  appended(drafts: readonly Draft[]): void {
    for (const observer of this.#observers) observer.appended?.(drafts);
  }

  performed(operation: PerformedOperation): void {
    for (const observer of this.#observers) observer.performed?.(operation);
  }
}
