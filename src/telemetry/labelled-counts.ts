import type { Labels, Sample } from './metrics.js';

/**
 * Counts events by their labels. Use this class only for rare events, because `add` builds a key
 * for each event.
 */
export class LabelledCounts {
  readonly #counts = new Map<string, { readonly labels: Labels; value: number }>();

  add(labels: Labels): void {
    const key = Object.values(labels).join(' ');
    const counted = this.#counts.get(key);
    if (counted) counted.value++;
    else this.#counts.set(key, { labels, value: 1 });
  }

  get samples(): readonly Sample[] {
    return [...this.#counts.values()];
  }
}
