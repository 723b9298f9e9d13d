import type { Clock, Timer } from '../../core/clock.js';

export interface RepeatOptions {
  readonly clock: Clock;
  /** The request is sent again after each such time without an answer. */
  readonly everyMs: number;
  /** When to give up. */
  readonly withinMs: number;
  /** Whether an error is an answer. Any other one says that no leader was there to answer. */
  readonly isFinal: (error: Error) => boolean;
  /** False when nobody waits for the answer any more. */
  readonly isWanted: () => boolean;
}

/**
 * Sends a request again and again until one of them is answered. A cluster without a leader drops
 * requests, and the client would wait for the answer until its time is over. Only for requests that
 * may arrive twice.
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
