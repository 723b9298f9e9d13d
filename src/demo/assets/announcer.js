/** What happens within this time is said in one go, and only the last word on each matter. */
const GATHER_MS = 1_000;

/** Tells those who do not see the page what has changed, when they are not being told something else. */
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
