import type { Environment } from './environment.js';

/** Aborts a request that takes too long. */
export class Deadline {
  readonly #environment: Environment;
  readonly #controller: AbortController;
  #timer: unknown;
  isOver = false;

  constructor(environment: Environment, controller: AbortController) {
    this.#environment = environment;
    this.#controller = controller;
  }

  /** Starts the time anew. */
  within(ms: number): void {
    this.done();
    this.#timer = this.#environment.setTimeout(() => {
      this.isOver = true;
      this.#controller.abort();
    }, ms);
  }

  done(): void {
    this.#environment.clearTimeout(this.#timer);
  }
}
