/** Items that arrive within this time are announced together. */
const GATHER_MS = 1_000;

/** Announces at most one text a second to screen readers. */
export class Announcer {
  readonly #region: HTMLElement;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #text: (() => string) | undefined;

  /** @param region - A polite live region. */
  constructor(region: HTMLElement) {
    this.#region = region;
  }

  /**
   * `text` is called at the time of the announcement. A later call replaces an earlier text that
   * was not announced yet.
   */
  say(text: () => string): void {
    this.#text = text;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const next = this.#text?.() ?? '';
      // Screen readers ignore a text that does not change.
      this.#region.textContent = this.#region.textContent === next ? `${next}\u00a0` : next;
    }, GATHER_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#region.textContent = '';
  }
}
