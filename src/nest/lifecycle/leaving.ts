/**
 * Records that the application shuts down. Requests are still served until `shutdown.delayMs` has
 * passed.
 */
export class Leaving {
  #hasBegun = false;

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  begin(): void {
    this.#hasBegun = true;
  }
}
