import { Deadline } from './abort.js';
import { authorize } from './authorization.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { ConnectOptions } from './options.js';
import { fetchResponse, type HttpRequest, readPage, RetryableError } from './response.js';

/** A request with one JSON answer. */
export interface JsonRequest extends Pick<HttpRequest, 'url' | 'method' | 'body' | 'keepalive'> {
  readonly signal: AbortSignal;
}

/** The longest time for one request. */
const TIMEOUT_MS = 10_000;

/**
 * Sends a request and reads its JSON answer. After a 401, it sends the request again with new
 * credentials.
 * @throws RetryableError if another attempt may succeed
 * @throws FeedError otherwise
 */
export async function requestJson(
  environment: Environment,
  { headers, credentials, auth }: Pick<ConnectOptions, 'headers' | 'credentials' | 'auth'>,
  { signal, ...target }: JsonRequest,
): Promise<unknown> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const deadline = new Deadline(environment, controller);
  const send = async (isRefused: boolean): Promise<unknown> => {
    const authorization = await authorize(auth, isRefused).catch((error: unknown) => {
      throw error instanceof FeedError ? error : new RetryableError('auth');
    });
    const request = { ...target, headers: { ...headers, ...authorization.headers }, credentials, controller };
    return readPage(await fetchResponse(environment, request, 'application/json'), deadline);
  };
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  deadline.set(TIMEOUT_MS);
  try {
    return await send(false).catch((error: unknown) => {
      if (error instanceof FeedError && error.status === 401 && auth) return send(true);
      throw error;
    });
  } finally {
    deadline.clear();
    signal.removeEventListener('abort', abort);
  }
}

/** The error for a caller that does not repeat the request. Its `code` is the reason. */
export function finalErrorOf(error: unknown, message: string): unknown {
  if (!(error instanceof RetryableError)) return error;
  return new FeedError(`${message}: ${error.message}`, { code: error.message });
}
