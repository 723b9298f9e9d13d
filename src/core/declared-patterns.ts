import { abilitiesOf } from './abilities.js';
import { backoffMs, type BackoffRange } from './backoff.js';
import type { Clock } from './clock.js';
import { Pause } from './pause.js';
import { covers } from './patterns.js';
import type { Epoch, Store } from './store.js';

const RETRY: BackoffRange = { minMs: 100, maxMs: 5_000 };

/** The dependencies of the declared patterns. */
export interface DeclaredPatternsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly patterns: readonly string[];
}

/** The patterns that a feed has declared to its store. */
export class DeclaredPatterns {
  readonly #options: DeclaredPatternsOptions;
  #epochId: string | undefined;
  /** The pause before the next retry of a declaration. */
  #pause: Pause | undefined;

  constructor(options: DeclaredPatternsOptions) {
    this.#options = options;
  }

  /** The declared patterns that match a topic. */
  matching(topic: string): readonly string[] {
    return this.#options.patterns.filter((pattern) => covers(pattern, topic));
  }

  /**
   * Declares the patterns. Rejects if the store rejects.
   * @throws Error if the store has no `indexPatterns`
   */
  async declare(): Promise<void> {
    const { store, patterns } = this.#options;
    if (patterns.length === 0) return;
    const { indexPatterns } = abilitiesOf(store);
    if (!indexPatterns) throw new Error('the store has no indexPatterns(), which declared patterns need');
    await indexPatterns(patterns);
  }

  /**
   * Called when the node follows an epoch. In a later epoch, this method declares the patterns
   * again and retries until the store accepts them. Until then, reads of a pattern from the store
   * have a gap.
   */
  follow({ id }: Epoch): void {
    const isLater = this.#epochId !== undefined && this.#epochId !== id;
    this.#epochId = id;
    if (isLater && this.#options.patterns.length > 0) this.#declareAgain();
  }

  #declareAgain(): void {
    this.close();
    this.#pause = new Pause(this.#options.clock);
    void this.#retry(this.#pause);
  }

  /** Ends the retries. */
  close(): void {
    const pause = this.#pause;
    this.#pause = undefined;
    pause?.end();
  }

  async #retry(pause: Pause): Promise<void> {
    for (let failures = 0; this.#pause === pause; failures++) {
      try {
        await this.declare();
        return;
      } catch {
        if (this.#pause === pause) await pause.run(backoffMs(failures, RETRY));
      }
    }
  }
}
