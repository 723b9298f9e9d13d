/** How many there are of each kind; holds nothing of what there is none of. */
export class Tally {
  readonly #counts = new Map<string, { count: number }>();

  get size(): number {
    return this.#counts.size;
  }

  of(key: string): number {
    return this.#counts.get(key)?.count ?? 0;
  }

  add(key: string): void {
    const counted = this.#counts.get(key);
    if (counted) counted.count++;
    else this.#counts.set(key, { count: 1 });
  }

  remove(key: string): void {
    const counted = this.#counts.get(key);
    if (counted && --counted.count === 0) this.#counts.delete(key);
  }
}
