import type { Clock, Timer } from '../../core/clock.js';
import { unavailable } from '../shared/unavailable.js';

/** Lets callers wait for a condition, up to a time limit. */
export class Changes {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The state has changed: checks the conditions of all callers that wait. */
  notify(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** Rejects all callers that wait now or later. */
  close(): void {
    this.#closed = true;
    this.notify();
  }

  /** Resolves when the condition is true. Rejects with `store_unavailable` after the time limit. */
  async until(condition: () => boolean, timeoutMs: number): Promise<void> {
    if (condition() && !this.#closed) return;
    let [timer, check]: [Timer, () => void] = [undefined, () => undefined];
    try {
      await new Promise<void>((resolve, reject) => {
        check = () => {
          if (this.#closed) reject(unavailable('The NATS store is closed.'));
          else if (condition()) resolve();
        };
        this.#waiting.add(check);
        timer = this.#clock.setTimeout(() => {
          reject(unavailable('The NATS server cannot be reached in time.'));
        }, timeoutMs);
        check();
      });
    } finally {
      this.#clock.clearTimeout(timer);
      this.#waiting.delete(check);
    }
  }
}
