import type { Environment } from '../../client/environment.js';
import { backoffMs } from '../../core/backoff.js';
import { failureOf, type RequestFailure } from './request.js';

/** A page that an operator has left open asks a failing server at most about twice a minute. */
export const RETRY = { minMs: 2_000, maxMs: 30_000 };

/** The connection of the page to its server. */
export type Connection =
  | { readonly state: 'connecting' | 'live' | 'paused' }
  /** `retryMs` is undefined while the page is paused. */
  | { readonly state: 'failed'; readonly failure: RequestFailure; readonly retryMs: number | undefined };

export interface PollerOptions<Report> {
  readonly environment: Environment;
  /** Rejects with a `RequestFailure`. */
  readonly load: (signal: AbortSignal) => Promise<Report>;
  readonly onReport: (report: Report) => void;
  /** The pause after a report, in milliseconds. */
  readonly pauseMs: (report: Report) => number;
  readonly onConnection: (connection: Connection) => void;
}

/**
 * Loads reports, one after the other. It stops while the page is hidden or the operator has paused
 * it. After a failure it backs off.
 */
export class Poller<Report> {
  readonly #options: PollerOptions<Report>;
  #isPaused = false;
  #failures = 0;
  #timer: unknown;
  #request: AbortController | undefined;

  constructor(options: PollerOptions<Report>) {
    this.#options = options;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(): void {
    const { environment, onConnection } = this.#options;
    environment.watch((event) => {
      if (event === 'hidden') this.#stop();
      else if (event !== 'offline') this.poll();
    });
    onConnection({ state: 'connecting' });
    this.poll();
  }

  pause(): void {
    this.#isPaused = true;
    this.#stop();
    this.#options.onConnection({ state: 'paused' });
  }

  resume(): void {
    this.#isPaused = false;
    this.#options.onConnection({ state: 'connecting' });
    this.poll();
  }

  /** Asks now, unless the page is hidden or paused. A request that is under way is replaced. */
  poll(): void {
    this.#stop();
    if (!this.#isPaused && !this.#options.environment.isHidden()) this.loadNow();
  }

  /** Asks now, also if the operator has paused the page. Then the page stays paused. */
  loadNow(): void {
    this.#stop();
    this.#request = new AbortController();
    void this.#load(this.#request.signal);
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { load, onReport, onConnection, pauseMs } = this.#options;
    try {
      const report = await load(signal);
      if (signal.aborted) return;
      this.#failures = 0;
      onReport(report);
      onConnection({ state: this.#isPaused ? 'paused' : 'live' });
      this.#pollAfter(pauseMs(report));
    } catch (error) {
      if (signal.aborted) return;
      const failure = failureOf(error);
      const { random } = this.#options.environment;
      const retryMs = Math.max(failure.retryAfterMs, backoffMs(this.#failures++, RETRY, random));
      onConnection({ state: 'failed', failure, retryMs: this.#isPaused ? undefined : retryMs });
      this.#pollAfter(retryMs);
    }
  }

  #pollAfter(ms: number): void {
    if (this.#isPaused) return;
    this.#timer = this.#options.environment.setTimeout(() => this.poll(), ms);
  }

  #stop(): void {
    this.#options.environment.clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = undefined;
  }
}
