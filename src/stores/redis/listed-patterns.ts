import { afterDeclaration, covers, type IndexedPattern } from '../../core/patterns.js';
import { unlistedPatterns } from './errors.js';
import { indexKeys } from './keys.js';

/**
 * The patterns whose indexes this node lists as keys of its calls. It knows the patterns that it
 * has declared. It learns those of other nodes when a script rejects a call without them.
 */
export class ListedPatterns {
  readonly #prefix: string;
  #patterns: readonly IndexedPattern[] = [];

  /** @param prefix of the keys of the log */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The log has these patterns. */
  add(names: readonly string[]): void {
    this.#patterns = afterDeclaration(this.#patterns, names, 0);
  }

  /**
   * Runs a call with the keys of some topics' indexes, and of the patterns that match the topics.
   * Repeats it once if the log has other patterns than this node knows.
   */
  async run<T>(topics: readonly string[], call: (indexes: readonly string[]) => Promise<T>): Promise<T> {
    for (let isRepeated = false; ; isRepeated = true) {
      try {
        return await call(this.#keys(topics));
      } catch (error) {
        const names = unlistedPatterns(error);
        if (names) this.add(names);
        if (!names || isRepeated) throw error;
      }
    }
  }

  #keys(topics: readonly string[]): readonly string[] {
    const names = this.#patterns.map(({ name }) => name);
    const patterns = names.filter((pattern) => topics.some((topic) => covers(pattern, topic)));
    return indexKeys(this.#prefix, [...topics, ...patterns]);
  }
}
