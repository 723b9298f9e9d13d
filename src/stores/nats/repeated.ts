import type { Clock, Timer } from '../../core/clock.js';

export interface RepeatOptions {
  readonly clock: Clock;
  /** The request is sent again after this time without an answer. */
  readonly everyMs: number;
  /** The request fails after this time. */
  readonly withinMs: number;
  /** True if the error is an answer. Any other error means that no leader has answered. */
  readonly isFinal: (error: Error) => boolean;
  /** False if no caller waits for the answer. */
  readonly isWanted: () => boolean;
}

/**
 * Sends a request repeatedly until it is answered. A cluster without a leader drops requests, and
 * the client library would wait for the answer in vain. Only for requests that may arrive twice.
 */
export function repeated<T>(request: () => Promise<T>, options: RepeatOptions): Promise<T> {
  const { clock, everyMs, withinMs, isFinal, isWanted } = options;
  const endsMs = clock.monotonic() + withinMs;
  return new Promise((resolve, reject) => {
    let timer: Timer;
    let failure = new Error('no answer');
    const isOver = (): boolean => clock.monotonic() >= endsMs || !isWanted();
    const send = (): void => {
      timer = clock.setTimeout(() => {
        if (isOver()) reject(failure);
        else send();
      }, everyMs);
      request().then(
        (answer) => {
          clock.clearTimeout(timer);
          resolve(answer);
        },
        (error: unknown) => {
          failure = error instanceof Error ? error : new Error('no answer', { cause: error });
          if (!isFinal(failure) && !isOver()) return;
          clock.clearTimeout(timer);
          reject(failure);
        },
      );
    };
    send();
  });
}
