import type { Clock, Timer } from '../../src/core/clock.js';

/** The clock of a process: a kill drops its pending timers. */
export class ProcessClock implements Clock {
  readonly #world: Clock;
  readonly #timers = new Set<Timer>();
  #isDead = false;

  constructor(world: Clock) {
    this.#world = world;
  }

  /** The number of pending timers. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  now(): number {
    return this.#world.now();
  }

  monotonic(): number {
    return this.#world.monotonic();
  }

  setTimeout(task: () => void, delayMs: number): Timer {
    if (this.#isDead) return undefined;
    const timer = this.#world.setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, delayMs);
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.#timers.delete(timer);
    this.#world.clearTimeout(timer);
  }

  setImmediate(task: () => void): void {
    this.#world.setImmediate(() => {
      if (!this.#isDead) task();
    });
  }

  /**
   * Resolves after a duration. Never resolves if the process ends first. A duration of 0 resolves
   * at once.
   */
  async pass(durationMs: number): Promise<void> {
    if (durationMs > 0) await new Promise<void>((resolve) => this.setTimeout(resolve, durationMs));
    if (this.#isDead) await new Promise(() => undefined);
  }

  kill(): void {
    this.#isDead = true;
    for (const timer of this.#timers) this.#world.clearTimeout(timer);
    this.#timers.clear();
  }
}
