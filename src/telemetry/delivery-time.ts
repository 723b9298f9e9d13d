import type { Clock } from '../core/clock.js';
import type { LogEntry } from '../core/notification.js';
import type { ObservedRead } from '../core/observer.js';
import type { LogPage } from '../core/page.js';

/** In a JSON string each quote is escaped, so the first match is the field. */
const TIME = /"time":"([^"]+)"/;

/**
 * Measures deliveries: from the time of the publish to now. The times may come from two machines.
 * Then the result is wrong by the difference of their clocks. A negative difference counts as 0.
 */
export class DeliveryTime {
  readonly #clock: Clock;
  #last: { readonly entry: LogEntry; readonly publishedAtMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The seconds since the publish of the oldest entry that was published while the reader was
   * connected. Undefined without such an entry: the time in which a reader was disconnected is not
   * delivery time.
   */
  of({ entries, gap, history }: LogPage, { startedAt }: ObservedRead): number | undefined {
    if (gap || history) return undefined;
    const oldest = entries.find(({ position }) => position > startedAt);
    if (!oldest) return undefined;
    const ms = this.#clock.now() - this.#publishedAtMs(oldest);
    return Number.isNaN(ms) ? undefined : Math.max(0, ms) / 1000;
  }

  #publishedAtMs(entry: LogEntry): number {
    if (this.#last?.entry !== entry) {
      this.#last = { entry, publishedAtMs: Date.parse(TIME.exec(entry.json)?.[1] ?? '') };
    }
    return this.#last.publishedAtMs;
  }
}
