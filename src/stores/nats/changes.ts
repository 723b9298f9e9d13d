import type { Clock } from '../../core/clock.js';
import { within } from '../../core/within.js';
import { unavailable } from '../shared/unavailable.js';

/** Lets callers wait for a condition, up to a time limit. */
export class Changes {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Call this after a change of the state. It checks the conditions of all waiting callers. */
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
    const late = (): Error => unavailable('The NATS server cannot be reached in time.');
    let check = (): void => undefined;
    const changed = new Promise<void>((resolve, reject) => {
      check = () => {
        if (this.#closed) reject(unavailable('The NATS store is closed.'));
        else if (condition()) resolve();
      };
      this.#waiting.add(check);
      check();
    });
    try {
      await within(changed, { clock: this.#clock, timeoutMs, late });
    } finally {
      this.#waiting.delete(check);
    }
  }
}
