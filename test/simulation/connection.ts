import type { Clock, Timer } from '../../src/core/clock.js';

/**
 * One direction of a connection. Messages arrive in order, after their delay; a cut drops the rest.
 */
export class Wire<T> {
  readonly #clock: Clock;
  readonly #receive: (message: T) => void;
  readonly #underWay = new Set<Timer>();
  #lastMs = 0;
  #isCut = false;

  constructor(clock: Clock, receive: (message: T) => void) {
    this.#clock = clock;
    this.#receive = receive;
  }

  send(message: T, delayMs: number): void {
    if (this.#isCut) return;
    const nowMs = this.#clock.monotonic();
    this.#lastMs = Math.max(this.#lastMs, nowMs + delayMs);
    if (this.#lastMs === nowMs && this.#underWay.size === 0) {
      this.#receive(message);
      return;
    }
    const timer = this.#clock.setTimeout(() => {
      this.#underWay.delete(timer);
      this.#receive(message);
    }, this.#lastMs - nowMs);
    this.#underWay.add(timer);
  }

  /** Drops the messages in flight, and returns their number. */
  cut(): number {
    const { size } = this.#underWay;
    this.#isCut = true;
    for (const timer of this.#underWay) this.#clock.clearTimeout(timer);
    this.#underWay.clear();
    return size;
  }
}
