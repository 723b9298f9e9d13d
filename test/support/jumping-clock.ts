import { type Clock, systemClock } from '../../src/core/clock.js';

/**
 * The runtime's clock, whose wall time a test sets forwards and back; durations stay what they are.
 */
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
