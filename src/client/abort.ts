import type { Environment } from './environment.js';

/** Aborts a request that takes too long. */
export class Deadline {
  readonly #environment: Environment;
  readonly #controller: AbortController;
  #timer: unknown;
  hasPassed = false;

  constructor(environment: Environment, controller: AbortController) {
    this.#environment = environment;
    this.#controller = controller;
  }

  /** Aborts the request after this time. Replaces the time that was set before. */
  set(ms: number): void {
    this.clear();
    this.#timer = this.#environment.setTimeout(() => {
      this.hasPassed = true;
      this.#controller.abort();
    }, ms);
  }

  clear(): void {
    this.#environment.clearTimeout(this.#timer);
  }
}

/**
 * This is a function, because TypeScript assumes that an `await` does not change `signal.aborted`.
 */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
