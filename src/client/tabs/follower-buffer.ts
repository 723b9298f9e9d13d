import type { Delivery } from '../delivery.js';
import type { Environment } from '../environment.js';

/** Notifications, and moves of the cursor, that a tab buffers while its application is busy or while it catches up. */
const BUFFERED_MAX = 1_000;
/** A leader that has sent nothing for this long is asked for a report. */
const SILENT_LEADER_MS = 30_000;

/** A delivery of the leader, and the leader's position before it. */
export interface Received {
  readonly after: string | undefined;
  readonly delivery: Delivery;
}

/** The deliveries that a tab has received from the leader and has not delivered yet. */
export class FollowerBuffer {
  isCaughtUp = false;
  /** The leader's position when this tab caught up with it, or passed it; the next delivery begins there. */
  joinsAt: string | undefined;
  #received: Received[] = [];
  #count = 0;
  #changed: ((isNew: boolean) => void) | undefined;

  /** The position after the buffered deliveries; undefined if there are none. */
  get end(): string | undefined {
    return this.#received.at(-1)?.delivery.cursor;
  }

  push(received: Received): void {
    this.#received.push(received);
    this.#count += 1 + received.delivery.notifications.length;
    // The application is slow. The tab reads again from its own position.
    if (this.#count > BUFFERED_MAX) this.clear();
    this.changed();
  }

  next(): Received | undefined {
    const next = this.#received.shift();
    if (next) this.#count -= 1 + next.delivery.notifications.length;
    return next;
  }

  clear(): void {
    this.#received = [];
    this.#count = 0;
    this.joinsAt = undefined;
    this.isCaughtUp = false;
  }

  /** Makes the tab compare its position with the leader's. */
  check(): void {
    this.isCaughtUp = false;
    this.changed();
  }

  /** Ends `whenChanged`. */
  changed(): void {
    this.#changed?.(true);
  }

  /** False if the leader sends nothing in a time in which a live leader sends something. */
  whenChanged({ setTimeout, clearTimeout }: Environment): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#changed?.(false), SILENT_LEADER_MS);
      this.#changed = (isNew) => {
        clearTimeout(timer);
        this.#changed = undefined;
        resolve(isNew);
      };
    });
  }
}
