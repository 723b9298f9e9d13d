import type { Clock, Timer } from '../../core/clock.js';
import { isUnavailable, type Outage } from '../shared/unavailable.js';

export interface ArmingOptions {
  readonly clock: Clock;
  readonly outage: Outage;
  /** Checks which log the stream holds, and follows it. */
  readonly arm: () => Promise<void>;
}

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 1_000;

/** Runs `arm` when it is requested: one run at a time, repeated until it succeeds. */
export class Arming {
  readonly #options: ArmingOptions;
  #running: Promise<void> | undefined;
  #requested = false;
  #closed = false;
  #endPause: (() => void) | undefined;

  constructor(options: ArmingOptions) {
    this.#options = options;
  }

  /** The first run. Rejects with the last failure when the time has passed. */
  start(withinMs: number): Promise<void> {
    return this.#run(this.#first(withinMs));
  }

  /** True if another run is requested. The result of the present run is then outdated. */
  get isRequested(): boolean {
    return this.#requested;
  }

  request(): void {
    this.#requested = true;
    if (!this.#closed && !this.#running) void this.#run(this.#again());
  }

  /** Ends the pause before the next attempt. */
  hurry(): void {
    this.#endPause?.();
    this.request();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#endPause?.();
    await this.#running?.catch(() => undefined);
  }

  /** A request during the end of a run starts another run. */
  async #run(running: Promise<void>): Promise<void> {
    this.#running = running;
    try {
      await running;
    } finally {
      this.#running = undefined;
      if (this.#requested) this.request();
    }
  }

  async #first(withinMs: number): Promise<void> {
    const { clock, arm } = this.#options;
    const endsMs = clock.monotonic() + withinMs;
    for (;;) {
      try {
        await arm();
        return;
      } catch (error) {
        if (!isUnavailable(error) || this.#closed || clock.monotonic() >= endsMs) throw error;
        await this.#pause(RETRY_MS_MIN);
      }
    }
  }

  async #again(): Promise<void> {
    for (let delayMs = RETRY_MS_MIN; this.#requested && !this.#closed; delayMs = Math.min(2 * delayMs, RETRY_MS_MAX)) {
      this.#requested = false;
      try {
        await this.#options.arm();
      } catch (error) {
        this.#requested = true;
        this.#options.outage.lost(error instanceof Error ? error.message.replace(/\.$/, '') : 'unknown error');
        await this.#pause(delayMs);
      }
    }
  }

  async #pause(delayMs: number): Promise<void> {
    let timer: Timer;
    await new Promise<void>((resolve) => {
      this.#endPause = resolve;
      if (this.#closed) resolve();
      else timer = this.#options.clock.setTimeout(resolve, delayMs);
    });
    this.#options.clock.clearTimeout(timer);
  }
}
