import type { Environment } from './environment.js';
import type { Delivery } from './delivery.js';

/** Notifications, and moves of the cursor, held back for a tab that is busy or catches up. */
const TOLD_MAX = 1_000;
/** After so long without a word a leader is asked whether it lives. */
const SILENT_LEADER_MS = 30_000;

/** What the leader got, and where it was before. */
interface Told {
  readonly after: string | undefined;
  readonly delivery: Delivery;
}

/** What a tab has been told and has not handed over yet. */
export class Following {
  isCaughtUp = false;
  /** The next delivery is the first since it caught up, and may begin before its place. */
  isJoining = false;
  #told: Told[] = [];
  #count = 0;
  #heard: ((heard: boolean) => void) | undefined;

  /** Up to where it has been told; undefined if it has handed over all of that. */
  get end(): string | undefined {
    return this.#told.at(-1)?.delivery.cursor;
  }

  push(told: Told): void {
    this.#told.push(told);
    this.#count += 1 + told.delivery.notifications.length;
    // Its application is slow: what is forgotten here is read again, from its own place.
    if (this.#count > TOLD_MAX) this.clear();
    this.changed();
  }

  next(): Told | undefined {
    const next = this.#told.shift();
    if (next) this.#count -= 1 + next.delivery.notifications.length;
    return next;
  }

  clear(): void {
    this.#told = [];
    this.#count = 0;
    this.isCaughtUp = false;
  }

  changed(): void {
    this.#heard?.(true);
  }

  /** False if nothing is told in a time in which a leader that lives says something. */
  whenTold({ setTimeout, clearTimeout }: Environment): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#heard?.(false), SILENT_LEADER_MS);
      this.#heard = (heard) => {
        clearTimeout(timer);
        this.#heard = undefined;
        resolve(heard);
      };
    });
  }
}
