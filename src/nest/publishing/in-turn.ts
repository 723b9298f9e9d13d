/**
 * Tasks that share a key run one after the other, in the order of their calls. Tasks without a
 * common key overlap.
 */
export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>();

  /** The number of keys in use. It is zero when no task runs. */
  get size(): number {
    return this.#last.size;
  }

  async run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#last.get(key) ?? Promise.resolve());
    // All keys are taken at once, so that two tasks cannot wait for each other.
    const result = Promise.allSettled(before).then(task);
    for (const key of keys) this.#last.set(key, result);
    try {
      return await result;
    } finally {
      for (const key of keys) if (this.#last.get(key) === result) this.#last.delete(key);
    }
  }
}
