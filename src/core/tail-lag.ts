import type { Clock } from './clock.js';
import type { LogPosition } from './page.js';

/** A position that the store has shown, and the state of the node at that time. */
interface Shown extends LogPosition {
  readonly atMs: number;
  /** If the window changes to another log, the node no longer waits for the position. */
  readonly windowEpochId: string;
}

/**
 * Measures how long the node has not received an entry that the store has. It compares the results
 * of the store's calls with the end of the window. While the tail works, the lag is some
 * milliseconds. If the tail is stuck, the lag grows, also while no further entry arrives.
 */
export class TailLag {
  readonly #clock: Clock;
  readonly #window: () => LogPosition;
  #oldest: Shown | undefined;
  #newest: Shown | undefined;

  /** @param window the end of the window now */
  constructor(clock: Clock, window: () => LogPosition) {
    this.#clock = clock;
    this.#window = window;
  }

  /** The store has shown that its log reaches this position. */
  shown(end: LogPosition): void {
    this.#settle();
    const window = this.#window();
    if (end.epochId === window.epochId && end.position <= window.position) return;
    this.#newest = { ...end, atMs: this.#clock.monotonic(), windowEpochId: window.epochId };
    this.#oldest ??= this.#newest;
  }

  /** The lag now. 0 if the node has received all entries that the store has shown. */
  get ms(): number {
    this.#settle();
    return this.#oldest ? this.#clock.monotonic() - this.#oldest.atMs : 0;
  }

  /**
   * Drops the positions that the node has received. Of the missing positions, only the oldest and
   * the newest are kept. So the lag of a slow tail may be too low for a short time.
   */
  #settle(): void {
    const { epochId, position } = this.#window();
    const isMissing = (shown: Shown | undefined): shown is Shown => {
      if (shown?.epochId === epochId) return shown.position > position;
      return shown?.windowEpochId === epochId;
    };
    if (isMissing(this.#oldest)) return;
    this.#newest = isMissing(this.#newest) ? this.#newest : undefined;
    this.#oldest = this.#newest;
  }
}
