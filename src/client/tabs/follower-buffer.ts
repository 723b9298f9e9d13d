import type { Delivery } from '../delivery.js';
import type { Environment } from '../environment.js';

/**
 * The maximum number of notifications and deliveries in a buffer. A tab fills it while its
 * application is busy.
 */
const BUFFERED_MAX = 1_000;
/** A tab requests a report from a leader that has sent nothing for this long. */
const SILENT_LEADER_MS = 30_000;

/** A delivery of the leader, and the leader's position before it. */
export interface LeaderDelivery {
  readonly after: string | undefined;
  readonly delivery: Delivery;
}

/** The deliveries that a tab has received from the leader and has not delivered yet. */
export class FollowerBuffer {
  /** Whether the tab has read everything before the buffered deliveries. */
  isCaughtUp = false;
  /**
   * This tab reads from the server until it reaches this position of the leader. The next delivery
   * begins there. The tab's own position may be later.
   */
  joinsAt: string | undefined;
  #deliveries: LeaderDelivery[] = [];
  #count = 0;
  #changed: ((hasNew: boolean) => void) | undefined;

  /** The position after the buffered deliveries; undefined if there are none. */
  get end(): string | undefined {
    return this.#deliveries.at(-1)?.delivery.cursor;
  }

  push(received: LeaderDelivery): void {
    this.#deliveries.push(received);
    this.#count += 1 + received.delivery.notifications.length;
    // The application is slow. The tab reads the dropped notifications again from the server.
    if (this.#count > BUFFERED_MAX) this.clear();
    this.changed();
  }

  next(): LeaderDelivery | undefined {
    const next = this.#deliveries.shift();
    if (next) this.#count -= 1 + next.delivery.notifications.length;
    return next;
  }

  clear(): void {
    this.#deliveries = [];
    this.#count = 0;
    this.joinsAt = undefined;
    this.isCaughtUp = false;
  }

  /** Makes the tab compare its position with the leader's. */
  check(): void {
    this.isCaughtUp = false;
    this.changed();
  }

  /** Resolves the promise of `whenChanged`. */
  changed(): void {
    this.#changed?.(true);
  }

  /** Resolves with false if nothing has changed for so long that the leader may be frozen. */
  whenChanged({ setTimeout, clearTimeout }: Environment): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#changed?.(false), SILENT_LEADER_MS);
      this.#changed = (hasNew) => {
        clearTimeout(timer);
        this.#changed = undefined;
        resolve(hasNew);
      };
    });
  }
}
