import { isAborted } from '../abort.js';
import { failurePauseMs, type FeedState } from '../connection-state.js';
import type { Environment } from '../environment.js';
import { RetryableError } from '../response.js';

/** Called when a request has failed and will be repeated. */
export type OnRetry = (reason: FeedState['reason']) => void;

/**
 * Repeats a request until it succeeds. An offline device waits until it is online.
 * @returns undefined if the signal was aborted
 * @throws FeedError for an error that a retry would repeat
 */
export async function untilAnswered<T>(
  environment: Environment,
  signal: AbortSignal,
  { send, onRetry }: { readonly send: () => Promise<T>; readonly onRetry: OnRetry },
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await send();
    } catch (error) {
      if (isAborted(signal)) return undefined;
      if (!(error instanceof RetryableError)) throw error;
      const { reason, retryAfterMs = 0 } = error.event as { reason: FeedState['reason']; retryAfterMs?: number };
      onRetry(reason);
      const isBusy = reason === 'busy';
      await pause(environment, signal, { ms: failurePauseMs(failures, retryAfterMs, environment.random), isBusy });
    }
  }
  return undefined;
}

/** The event `online` does not end a pause that the server has requested. */
function pause(
  { setTimeout, clearTimeout, isOnline, watch }: Environment,
  signal: AbortSignal,
  { ms, isBusy }: { readonly ms: number; readonly isBusy: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      unwatch();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const unwatch = watch((event) => {
      if (event === 'online' && !isBusy) end();
    });
    const timer = isOnline() ? setTimeout(end, ms) : undefined;
    signal.addEventListener('abort', end);
  });
}
