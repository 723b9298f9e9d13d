import type { Clock } from './clock.js';
import { type LogPosition, sharedPosition } from './page.js';
import type { ReadWindow } from './page-query.js';

/** A position that the store has shown, and the state of the node at that time. */
interface Shown extends LogPosition {
  readonly atMs: number;
  /**
   * The epoch of the window at that time. If the window changes to another epoch, the position is
   * dropped.
   */
  readonly windowEpochId: string;
}

/**
 * Measures the time for which the node lacks an entry of the store. It compares the results of the
 * store's calls with the end of the window. While the tail works, the lag is some milliseconds. If
 * the tail is stuck, the lag grows, also while no further entry arrives.
 */
export class TailLag {
  readonly #clock: Clock;
  readonly #window: () => ReadWindow;
  #oldest: Shown | undefined;
  #newest: Shown | undefined;

  /** @param window the window of the node now */
  constructor(clock: Clock, window: () => ReadWindow) {
    this.#clock = clock;
    this.#window = window;
  }

  /** The store has shown that its log reaches this position. */
  shown(end: LogPosition): void {
    this.#settle();
    const { epoch, head } = this.#window();
    if (end.epochId === epoch.id) {
      // The log of the store has this epoch, so an end of another epoch was older than the window.
      this.#keep(({ epochId }) => epochId === epoch.id);
      if (end.position <= head) return;
    } else if (sharedPosition(epoch, end)) {
      // The call began before the failover.
      return;
    }
    this.#newest = { ...end, atMs: this.#clock.monotonic(), windowEpochId: epoch.id };
    this.#oldest ??= this.#newest;
  }

  /** The lag now. 0 if the node has received all entries that the store has shown. */
  get ms(): number {
    this.#settle();
    return this.#oldest ? this.#clock.monotonic() - this.#oldest.atMs : 0;
  }

  /** Drops the positions that the node has received. */
  #settle(): void {
    const { epoch, head } = this.#window();
    this.#keep(({ epochId, position, windowEpochId }) =>
      epochId === epoch.id ? position > head : windowEpochId === epoch.id,
    );
  }

  /**
   * Of the missing positions, only the oldest and the newest are kept. So the lag of a slow tail
   * may be too low for a short time.
   */
  #keep(isMissing: (shown: Shown) => boolean): void {
    if (this.#oldest && isMissing(this.#oldest)) return;
    this.#newest = this.#newest && isMissing(this.#newest) ? this.#newest : undefined;
    this.#oldest = this.#newest;
  }
}
