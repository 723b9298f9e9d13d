import { ManualClock } from '../../src/testing/manual-clock.js';
import { systemClock } from '../../src/core/clock.js';

/**
 * A manual clock for servers with real sockets: the test moves the time, the runtime runs
 * immediates.
 */
export class TimerClock extends ManualClock {
  override setImmediate(task: () => void): void {
    systemClock.setImmediate(task);
  }
}
