import type { ObservedRead, ReadKind } from '../core/observer.js';
import type { LogPage } from '../core/page.js';
import type { DeliveryTime } from './delivery-time.js';

/**
 * The deliveries that share one time. A delivery takes about 20 µs, so the recorded time is at most
 * 0.3 ms too low. That is less than the smallest bucket, 1 ms.
 */
export const RUN_MAX = 16;

const NONE: LogPage['entries'] = [];

/**
 * The deliveries of one page to waiters of one transport, one after the other. They are counted
 * together, and all of them have the time of the first one. So the count of one delivery costs some
 * nanoseconds.
 */
export class DeliveryRun {
  /**
   * From the publish to the first delivery, for the oldest entry that was published while the
   * reader was connected. Undefined without such an entry: the time in which a reader was
   * disconnected is not delivery time.
   */
  readonly seconds: number | undefined;
  /** Undefined when the run has ended. */
  page: LogPage | undefined;
  readonly kind: ReadKind;
  count = 0;
  /** Readers that started in this range of positions have the same oldest entry. */
  readonly #startedFrom: number;
  readonly #startedBefore: number;

  constructor(page: LogPage, { kind, startedAt }: ObservedRead, deliveryTime: DeliveryTime) {
    const entries = page.gap || page.history ? NONE : page.entries;
    let index = 0;
    while (index < entries.length && (entries[index]?.position ?? 0) <= startedAt) index++;
    const oldest = entries[index];
    this.page = page;
    this.kind = kind;
    this.seconds = oldest && deliveryTime.of(oldest);
    this.#startedFrom = entries[index - 1]?.position ?? 0;
    this.#startedBefore = oldest?.position ?? Infinity;
  }

  /** Whether a delivery belongs to this run. */
  includes(page: LogPage, { kind, startedAt }: ObservedRead): boolean {
    return (
      page === this.page &&
      kind === this.kind &&
      startedAt >= this.#startedFrom &&
      startedAt < this.#startedBefore &&
      this.count < RUN_MAX
    );
  }
}
