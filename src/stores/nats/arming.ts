import { jittered } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import { Pause } from '../../core/pause.js';
import { RETRY, retryMs } from '../shared/retry.js';
import { isUnavailable, type Outage } from '../shared/unavailable.js';

export interface ArmingOptions {
  readonly clock: Clock;
  readonly outage: Outage;
  /** Checks which log the stream holds, and follows it. */
  readonly arm: () => Promise<void>;
}

/** Runs `arm` when it is requested: one run at a time, repeated until it succeeds. */
export class Arming {
  readonly #options: ArmingOptions;
  readonly #pause: Pause;
  #running: Promise<void> | undefined;
  #requested = false;
  #closed = false;

  constructor(options: ArmingOptions) {
    this.#options = options;
    this.#pause = new Pause(options.clock);
  }

  /** Starts the first run. Rejects with the last failure after `withinMs` milliseconds. */
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
    this.#pause.end();
    this.request();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pause.end();
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
        await this.#pause.run(jittered(RETRY.minMs));
      }
    }
  }

  async #again(): Promise<void> {
    for (let failures = 0; this.#requested && !this.#closed; failures++) {
      this.#requested = false;
      try {
        await this.#options.arm();
      } catch (error) {
        this.#requested = true;
        this.#options.outage.lost(error instanceof Error ? error.message.replace(/\.$/, '') : 'unknown error');
        await this.#pauseUnlessClosed(retryMs(failures));
      }
    }
  }

  async #pauseUnlessClosed(durationMs: number): Promise<void> {
    if (!this.#closed) await this.#pause.run(durationMs);
  }
}
