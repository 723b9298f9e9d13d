import type { Environment } from './environment.js';
import type { FeedState } from './options.js';
import type { Delivery } from './requests.js';

/** Deliveries held back for a tab that catches up. */
const TOLD_MAX = 1_000;
/** After so long without a word a leader is asked whether it lives. */
const SILENT_LEADER_MS = 30_000;

/** What the leader got, and where it was before. */
interface Told {
  readonly after: string | undefined;
  readonly delivery: Delivery;
}

/** What a tab that does not lead has been told and has not handed over yet. */
export class Following {
  state: FeedState | undefined;
  isCaughtUp = false;
  /** The next delivery is the first since it caught up, and may begin before its place. */
  isJoining = false;
  #told: Told[] = [];
  #heard: ((heard: boolean) => void) | undefined;

  push(told: Told): void {
    this.#told.push(told);
    // Nobody takes it: what is forgotten here is read again.
    if (this.#told.length > TOLD_MAX) this.clear();
    this.changed();
  }

  next(): Told | undefined {
    return this.#told.shift();
  }

  clear(): void {
    this.#told = [];
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
