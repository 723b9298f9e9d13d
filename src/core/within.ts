import type { Clock, Timer } from './clock.js';

/** How long a caller waits for a promise. */
export interface TimeLimit {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** The error after that time. Its message names the operation. */
  readonly late: () => Error;
}

/**
 * Waits for a promise, and rejects with `late` after the time limit. The operation behind the
 * promise continues, and a later rejection of it is ignored. The timer is always cleared.
 */
export async function within<T>(promise: Promise<T>, { clock, timeoutMs, late }: TimeLimit): Promise<T> {
  let timer: Timer;
  const timeout = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => {
      reject(late());
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clock.clearTimeout(timer);
  }
}
