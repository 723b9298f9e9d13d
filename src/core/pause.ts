import type { Clock, Timer } from './clock.js';

/** Resolves after a time on this clock. */
export function pause(clock: Clock, durationMs: number): Promise<void> {
  return new Pause(clock).run(durationMs);
}

/** A pause that another task can end early. Its timer is always cleared. */
export class Pause {
  readonly #clock: Clock;
  #end: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after this time, or at `end`. At most one pause runs at a time. */
  async run(durationMs: number): Promise<void> {
    let timer: Timer;
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      timer = this.#clock.setTimeout(resolve, durationMs);
    });
    this.#clock.clearTimeout(timer);
    this.#end = undefined;
  }

  /** Ends the pause that runs now. Later pauses take their full time. */
  end(): void {
    this.#end?.();
  }
}
