import type { InboxItem } from '../inbox/index.js';

/** Finds the items that have arrived since the last snapshot. */
export class Arrivals {
  #known: ReadonlySet<string> | undefined;

  /** The unseen items above all known ones. None in the first list. */
  next(items: readonly InboxItem[]): readonly InboxItem[] {
    const known = this.#known;
    this.#known = new Set(items.map(({ notification }) => notification.id));
    if (!known) return [];
    const first = items.findIndex(({ notification }) => known.has(notification.id));
    return items.slice(0, first < 0 ? items.length : first).filter(({ seen }) => !seen);
  }

  /** The next list is of another inbox or filter, so its items are not new. */
  forget(): void {
    this.#known = undefined;
  }
}
