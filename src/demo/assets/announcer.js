/** Changes within this time are announced together, and only the last one of each subject. */
const GATHER_MS = 1_000;

/**
 * Announces changes to users of screen readers, after the announcement that is in progress.
 */
export class Announcer {
  #place;
  /** @type {Map<string, string>} */
  #news = new Map();

  /** @param {HTMLElement} place a live region */
  constructor(place) {
    this.#place = place;
  }

  /** `matter` is what the text is about. */
  say(matter, text) {
    const isFirst = this.#news.size === 0;
    this.#news.set(matter, text);
    if (!isFirst) return;
    setTimeout(() => {
      this.#place.textContent = [...this.#news.values()].join(' ');
      this.#news.clear();
    }, GATHER_MS);
  }
}
