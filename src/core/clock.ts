/** What a clock hands out for a timer that runs; only that clock reads it. */
export type Timer = unknown;

/**
 * Time as a parameter. The core never asks the runtime for it, so tests and simulations move a clock of their own
 * (`ManualClock` of `nest-notifications/testing`) and never sleep.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start; unlike `now` it never jumps, so durations are measured with it. */
  monotonic(): number;
  /** Runs `task` once after `delayMs` milliseconds unless the timer is cleared. */
  setTimeout(task: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer): void;
  /** Runs `task` once the input and output that is ready now has been served. */
  setImmediate(task: () => void): void;
}

/** The runtime's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (task, delayMs) => setTimeout(task, delayMs),
  clearTimeout: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
  setImmediate: (task) => {
    setImmediate(task);
  },
};
