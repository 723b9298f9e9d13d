import { ManualClock } from 'nest-notifications/testing';
import { type DeviceEvent, type Environment, runtime } from '../../src/client/environment.js';

/** The environment of a client, on a clock that a test advances. */
export class ManualDevice {
  readonly clock = new ManualClock();
  /** The time that the device has slept. Timers do not count it. */
  sleptMs = 0;
  #listener: (event: DeviceEvent) => void = () => undefined;

  emit(event: DeviceEvent): void {
    this.#listener(event);
  }

  environment(fetch: unknown, random: () => number): Environment {
    const { clock } = this;
    return {
      ...runtime,
      fetch: fetch as Environment['fetch'],
      random,
      now: () => clock.monotonic() + this.sleptMs,
      // The clock rejects a delay that overflows a timer.
      setTimeout: (task, ms) => clock.setTimeout(task, ms),
      clearTimeout: (timer) => {
        clock.clearTimeout(timer as never);
      },
      watch: (listener) => {
        this.#listener = listener;
        return () => undefined;
      },
    };
  }
}
