import type { Gap } from './gap.js';
import type { Draft, LogEntry } from './notification.js';
import type { FeedObserver, ObservedRead, PerformedOperation, StoreCall } from './observer.js';
import type { LogPage } from './page.js';

/** Reports the first error of an observer. */
export type ReportObserver = (error: unknown) => void;

type DeliveryObserver = FeedObserver & Required<Pick<FeedObserver, 'delivered'>>;

/**
 * The observers of one feed. `Observers` passes each call on to all observers. An observer may be
 * added while the feed runs.
 *
 * The error of an observer changes no publish and no delivery. The first error of each observer is
 * reported. The observer still receives later calls.
 */
export class Observers implements Required<FeedObserver> {
  readonly #report: ReportObserver;
  readonly #failed = new WeakSet<FeedObserver>();
  #observers: readonly FeedObserver[] = [];
  /** The observers of deliveries. */
  #ofDeliveries: readonly DeliveryObserver[] = [];

  constructor(report: ReportObserver) {
    this.#report = report;
  }

  /** Adds an observer. Returns a function that removes it. */
  add(observer: FeedObserver): () => void {
    this.#use([...this.#observers, observer]);
    return () => {
      this.#use(this.#observers.filter((one) => one !== observer));
    };
  }

  /** Whether an observer has this method. Otherwise the caller need not measure anything. */
  observes(method: keyof FeedObserver): boolean {
    return this.#observers.some((observer) => observer[method] !== undefined);
  }

  armed(read: ObservedRead): void {
    this.#each((observer) => observer.armed?.(read));
  }

  ended(read: ObservedRead): void {
    this.#each((observer) => observer.ended?.(read));
  }

  published(entries: readonly LogEntry[]): void {
    this.#each((observer) => observer.published?.(entries));
  }

  delivered(page: LogPage, read: ObservedRead): void {
    // `#each` would make a closure for each delivery.
    for (const observer of this.#ofDeliveries) {
      try {
        observer.delivered(page, read);
      } catch (error) {
        this.#fail(observer, error);
      }
    }
  }

  gap(gap: Gap, read: ObservedRead): void {
    this.#each((observer) => observer.gap?.(gap, read));
  }

  rejected(error: unknown, read: ObservedRead): void {
    this.#each((observer) => observer.rejected?.(error, read));
  }

  refused(error: unknown): void {
    this.#each((observer) => observer.refused?.(error));
  }

  cut(limit: string): void {
    this.#each((observer) => observer.cut?.(limit));
  }

  stored(call: StoreCall): void {
    this.#each((observer) => observer.stored?.(call));
  }

  appended(drafts: readonly Draft[]): void {
    this.#each((observer) => observer.appended?.(drafts));
  }

  performed(operation: PerformedOperation): void {
    this.#each((observer) => observer.performed?.(operation));
  }

  #use(observers: readonly FeedObserver[]): void {
    this.#observers = observers;
    this.#ofDeliveries = observers.filter((observer) => observer.delivered !== undefined) as DeliveryObserver[];
  }

  #each(call: (observer: FeedObserver) => void): void {
    for (const observer of this.#observers) {
      try {
        call(observer);
      } catch (error) {
        this.#fail(observer, error);
      }
    }
  }

  #fail(observer: FeedObserver, error: unknown): void {
    if (this.#failed.has(observer)) return;
    this.#failed.add(observer);
    this.#report(error);
  }
}
