import { ManualClock } from 'nest-notifications/testing';
import { type DeviceEvent, type Environment, runtime } from '../../src/client/environment.js';

/** What a client finds around it, on a clock that a test moves. */
export class ManualDevice {
  readonly clock = new ManualClock();
  /** For how long it has slept: its timers did not notice. */
  sleptMs = 0;
  #listener: (event: DeviceEvent) => void = () => undefined;

  /** Tells the client what has happened to the device. */
  tell(event: DeviceEvent): void {
    this.#listener(event);
  }

  environment(fetch: unknown, random: () => number): Environment {
    const { clock } = this;
    return {
      ...runtime,
      fetch: fetch as Environment['fetch'],
      random,
      now: () => clock.monotonic() + this.sleptMs,
      // It refuses what overflows a timer.
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
