/** The longest timer, in milliseconds. Node.js fires a timer with a longer delay at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** A running timer. Each clock has its own type of timer, so other code treats it as `unknown`. */
export type Timer = unknown;

/**
 * Time as a parameter. The core never reads the time of the runtime. So tests and simulations use a
 * clock that they move themselves (`ManualClock` of `nest-notifications/testing`) and never sleep.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Milliseconds from an arbitrary start. Unlike `now` it never jumps, so it measures durations.
   */
  monotonic(): number;
  /** Runs `task` once after `delayMs` milliseconds unless the timer is cleared. */
  setTimeout(task: () => void, delayMs: number): Timer;
  /** Cancels a timer. A timer that has run already is ignored. */
  clearTimeout(timer: Timer): void;
  /** Runs `task` after the event loop has served the input and output that is ready now. */
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
