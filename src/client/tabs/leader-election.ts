import type { Locks } from './browser-apis.js';

/** Called when a tab starts or stops leading. */
export interface ElectionEvents {
  elected(): void;
  /** Another tab has taken over. */
  replaced(): void;
  /** The browser does not allow Web Locks on this page, for example in a sandboxed frame. */
  unavailable(): void;
}

/**
 * The tab that holds a Web Lock leads. The other tabs wait in the browser's queue for the lock, so
 * the next one leads as soon as the leader's page is closed or crashes. A frozen leader keeps the
 * lock; another tab can steal it.
 */
export class LeaderElection {
  readonly #name: string;
  readonly #locks: Locks;
  readonly #events: ElectionEvents;
  readonly #leaving = new AbortController();
  /** Releases the lock; undefined while another tab leads. */
  #release: (() => void) | undefined;

  constructor(name: string, locks: Locks, events: ElectionEvents) {
    this.#name = name;
    this.#locks = locks;
    this.#events = events;
    void this.#queue();
  }

  /** Steals the lock from the leader. */
  takeOver(): void {
    void this.#hold({ steal: true });
  }

  leave(): void {
    this.#leaving.abort();
    this.#release?.();
  }

  async #queue(): Promise<void> {
    // A tab whose lock was stolen queues again, because the new leader may end later.
    while (await this.#hold({ signal: this.#leaving.signal }));
  }

  /**
   * Requests the lock. Resolves with true if another request steals it, and with false on `leave`.
   */
  async #hold(options: Parameters<Locks['request']>[1]): Promise<boolean> {
    const { signal } = this.#leaving;
    let release: (() => void) | undefined;
    try {
      await this.#locks.request(this.#name, options, async () => {
        if (signal.aborted) return;
        const isLeader = this.#release !== undefined;
        const released = new Promise<void>((resolve) => (this.#release = release = resolve));
        if (!isLeader) this.#events.elected();
        await released;
      });
    } catch {
      if (signal.aborted) return false;
      if (!release) {
        if (!this.#release) this.#events.unavailable();
        return false;
      }
      // If `#release` is another function by now, this tab has stolen the lock from itself. It
      // received the lock from the queue while its `takeOver` was pending.
      if (this.#release === release) {
        this.#release = undefined;
        this.#events.replaced();
      }
    }
    return !signal.aborted;
  }
}
