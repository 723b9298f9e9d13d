import { ERROR_HEADER } from '../wire/protocol.js';
import type { Deadline } from './abort.js';
import { readJson } from './body.js';
import type { ConnectionEvent, FeedState } from './connection-state.js';
import { fieldsOf } from './delivery.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { Credentials } from './options.js';
import type { Target } from './url.js';

/** The part of a request that `fetch` needs. */
export interface HttpRequest extends Target {
  /**
   * The method of a request with a body.
   * @default QUERY
   */
  readonly method?: string | undefined;
  /** Whether the browser completes the request although the user leaves the page. */
  readonly keepalive?: boolean | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials | undefined;
  readonly controller: AbortController;
}

/**
 * The maximum number of characters in an error's message and in its code. Both appear in logs and
 * on screens.
 */
const MESSAGE_CHARS_MAX = 500;

/** A failed request that the client repeats after a pause. */
export class RetryableError extends Error {
  readonly event: ConnectionEvent;

  constructor(reason: FeedState['reason'], retryAfterMs?: number) {
    super(reason);
    this.event = { type: 'failed', reason, retryAfterMs };
  }
}

/**
 * Sends a request and returns the response if its status is 200.
 * @throws RetryableError if another attempt may succeed
 * @throws FeedError otherwise
 */
export async function fetchResponse(environment: Environment, request: HttpRequest, accept: string): Promise<Response> {
  const { url, method = 'QUERY', body, keepalive, headers, credentials, controller } = request;
  const init = {
    ...(body && { method, body }),
    headers: { ...headers, Accept: accept, ...(body && { 'Content-Type': 'application/json' }) },
    keepalive,
    signal: controller.signal,
    cache: 'no-store',
    // If `fetch` followed a redirect, it would send the custom headers to another origin. The
    // client would also accept the pages of that origin.
    redirect: 'manual',
    credentials,
  } as RequestInit;
  const response = await environment.fetch(url, init).catch((error: unknown) => {
    throw error instanceof FeedError ? error : new RetryableError('network');
  });
  if (isRedirect(url, response)) throw redirectError(url, response.status);
  if (response.status === 200) return response;
  throw await errorOf(response);
}

/** Reads a page. @throws FeedError if it is too large */
export function readPage(response: Response, deadline: Deadline): Promise<unknown> {
  return readJson(response).catch((error: unknown) => {
    throw error instanceof FeedError ? error : new RetryableError(deadline.hasPassed ? 'network' : 'malformed');
  });
}

/** The event for an error of a request. @throws FeedError if `error` is a `FeedError` */
export function eventOf(error: unknown): ConnectionEvent {
  if (error instanceof FeedError) throw error;
  return error instanceof RetryableError ? error.event : { type: 'failed', reason: 'network' };
}

/**
 * React Native follows redirects in spite of `redirect: 'manual'`, and does not set `redirected`.
 * Its response URLs are absolute, so they show a change of the origin.
 */
function isRedirect(url: string, { type, status, redirected, url: finalUrl }: Response): boolean {
  if (type === 'opaqueredirect' || (status >= 300 && status < 400)) return true;
  const [from, to] = [originOf(url), originOf(finalUrl)];
  return (redirected as boolean | undefined) ?? (from !== undefined && to !== undefined && from !== to);
}

function originOf(url: string | undefined): string | undefined {
  const [, scheme, host] = /^(https?):\/\/([^/?#]+)/.exec(url?.toLowerCase() ?? '') ?? [];
  return host && `${scheme}//${host.replace(scheme === 'http' ? /:80$/ : /:443$/, '')}`;
}

function redirectError(url: string, status: number): FeedError {
  // The query may contain a ticket, so it stays out of the message.
  const target = url.replace(/[?#].*/s, '');
  const message = `${target} redirects. The client follows no redirects; set \`url\` to the final address.`;
  return new FeedError(message, { status: status || undefined, code: 'redirected' });
}

async function errorOf(response: Response): Promise<RetryableError | FeedError> {
  const { status, headers } = response;
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'));
  if (status === 429 || status === 503) return new RetryableError('busy', retryAfterMs);
  if (status === 408 || status >= 500) return new RetryableError('server', retryAfterMs);
  const body = fieldsOf(await readJson(response).catch(() => undefined));
  // An exception filter of the application often replaces the body, and rarely the header.
  const code = shortText(headers.get(ERROR_HEADER)) ?? shortText(body.code);
  const message = `the server answered with status ${status}${code ? ` (${code})` : ''}`;
  return new FeedError(shortText(body.message) ?? message, { status, code });
}

function shortText(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MESSAGE_CHARS_MAX) : undefined;
}

/** Milliseconds from the header's seconds or date (RFC 9110, 10.2.3). */
function parseRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : undefined;
}
