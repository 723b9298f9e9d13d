import type { Clock } from '../core/clock.js';
import type { LogEntry } from '../core/notification.js';

const TIME_FIELD = '"time":"';

/**
 * Measures deliveries: from the time of the publish to now. The times may come from two machines.
 * Then the result is wrong by the difference of their clocks. A negative difference counts as 0.
 */
export class DeliveryTime {
  readonly #clock: Clock;
  /** Waiters that wake together receive the same entry, so the last result is kept. */
  #last: LogEntry | undefined;
  #publishedAtMs = NaN;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The seconds since the publish of an entry. Undefined if the entry has no time. */
  of(entry: LogEntry): number | undefined {
    if (this.#last !== entry) {
      this.#last = entry;
      this.#publishedAtMs = timeOf(entry);
    }
    const ms = this.#clock.now() - this.#publishedAtMs;
    return Number.isNaN(ms) ? undefined : Math.max(0, ms) / 1000;
  }

  /** Drops the last entry, because an erasure may have removed it from the log. */
  forget(): void {
    this.#last = undefined;
  }
}

/**
 * The time in the JSON, in milliseconds. NaN without it. In a JSON string each quote is escaped, so
 * the first match is the field. A regular expression would take longer.
 */
function timeOf({ json }: LogEntry): number {
  const start = json.indexOf(TIME_FIELD) + TIME_FIELD.length;
  return start < TIME_FIELD.length ? NaN : Date.parse(json.slice(start, json.indexOf('"', start)));
}
