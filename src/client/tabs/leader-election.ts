import type { Locks } from '../environment.js';

/** Called when a tab begins or ceases to lead. */
export interface ElectionEvents {
  leads(): void;
  /** Another tab has taken over. */
  deposed(): void;
  /** This page may not use Web Locks, in a sandboxed frame for example. */
  unavailable(): void;
}

/**
 * The tab that holds a Web Lock leads. Each tab waits in the browser's queue for the lock, so the next one leads as soon
 * as the leader is closed or crashes. A leader that is frozen keeps its lock; the others can take it away.
 */
export class LeaderElection {
  readonly #name: string;
  readonly #locks: Locks;
  readonly #events: ElectionEvents;
  readonly #leaving = new AbortController();
  /** Ends the hold on the lock by which this tab leads; undefined while another tab leads. */
  #release: (() => void) | undefined;

  constructor(name: string, locks: Locks, events: ElectionEvents) {
    this.#name = name;
    this.#locks = locks;
    this.#events = events;
    void this.#queue();
  }

  /** Leads at once, and deposes the leader. */
  takeOver(): void {
    void this.#hold({ steal: true });
  }

  leave(): void {
    this.#leaving.abort();
    this.#release?.();
  }

  async #queue(): Promise<void> {
    // Whoever took the lock away may be closed or frozen later, so this tab needs a place in the queue again.
    while (await this.#hold({ signal: this.#leaving.signal }));
  }

  /** Requests the lock. Resolves when another request has taken it away, with true; with false when this tab leaves. */
  async #hold(options: Parameters<Locks['request']>[1]): Promise<boolean> {
    const { signal } = this.#leaving;
    let release: (() => void) | undefined;
    try {
      await this.#locks.request(this.#name, options, async () => {
        if (signal.aborted) return;
        const isLeader = this.#release !== undefined;
        const released = new Promise<void>((resolve) => (this.#release = release = resolve));
        if (!isLeader) this.#events.leads();
        await released;
      });
    } catch {
      if (signal.aborted) return false;
      if (!release) {
        if (!this.#release) this.#events.unavailable();
        return false;
      }
      // Otherwise this tab took the lock from itself: its turn in the queue came while it was taking over.
      if (this.#release === release) {
        this.#release = undefined;
        this.#events.deposed();
      }
    }
    return !signal.aborted;
  }
}
