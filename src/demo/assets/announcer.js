/** Changes within this time are announced together, and only the last one of each subject. */
const GATHER_MS = 1_000;

/** Announces changes to users of screen readers. */
export class Announcer {
  #region;
  /** @type {Map<string, string>} */
  #texts = new Map();

  /** @param {HTMLElement} region a live region */
  constructor(region) {
    this.#region = region;
  }

  /** A later text of the same subject replaces the earlier one. */
  say(subject, text) {
    const isFirst = this.#texts.size === 0;
    this.#texts.set(subject, text);
    if (!isFirst) return;
    setTimeout(() => {
      this.#region.textContent = [...this.#texts.values()].join(' ');
      this.#texts.clear();
    }, GATHER_MS);
  }
}
