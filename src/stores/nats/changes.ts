import type { Clock, Timer } from '../../core/clock.js';
import { unavailable } from '../shared/unavailable.js';

/** Lets callers wait, but not for ever, for something to become true that others bring about. */
export class Changes {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has changed: those who wait look again. */
  notify(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** From now on whoever waits is refused. */
  close(): void {
    this.#closed = true;
    this.notify();
  }

  /** Resolves when it is so. Rejects with `store_unavailable` when the time is over. */
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
