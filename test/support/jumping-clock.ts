import { type Clock, systemClock } from '../../src/core/clock.js';

/** The runtime's clock. A test moves its wall time in both directions; durations do not change. */
export class JumpingClock implements Clock {
  offsetMs = 0;
  readonly monotonic = systemClock.monotonic;
  readonly setTimeout = systemClock.setTimeout;
  readonly clearTimeout = systemClock.clearTimeout;
  readonly setImmediate = systemClock.setImmediate;

  now(): number {
    return systemClock.now() + this.offsetMs;
  }
}
