import type { Environment } from '../../client/environment.js';
import type { InspectorError } from '../inspector-report.js';

/**
 * A request without an answer in this time has failed. The server answers `state` in some
 * milliseconds.
 */
const REQUEST_MS = 10_000;
/** A longer `Retry-After` is shortened, so that a wrong header cannot stop the page. */
const RETRY_AFTER_MAX_MS = 5 * 60_000;

/**
 * `signed_out`: status 401, or a redirect. `invalid`: the answer is not the JSON of the inspector,
 * such as a sign-in page. `page_failed`: the page has failed to show an answer.
 */
export type FailureReason = 'unreachable' | 'signed_out' | 'forbidden' | 'rejected' | 'invalid' | 'page_failed';

/** A request of the page that has failed. */
export class RequestFailure extends Error {
  readonly reason: FailureReason;
  readonly status: number | undefined;
  readonly retryAfterMs: number;
  /** The query parameter that is wrong. */
  readonly field: string | undefined;

  constructor(reason: FailureReason, { status, retryAfterMs = 0, error }: FailureDetails = {}) {
    super(typeof error?.message === 'string' ? error.message : '');
    this.reason = reason;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.field = typeof error?.field === 'string' ? error.field : undefined;
  }
}

interface FailureDetails {
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly error?: Partial<InspectorError> | undefined;
}

/**
 * Reads JSON from a URL.
 *
 * @throws RequestFailure
 */
export async function getJson<T>(url: URL, fetch: Environment['fetch'], signal: AbortSignal): Promise<T> {
  const response = await answerOf(url, fetch, AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]));
  const body: unknown = await response.json().catch(() => undefined);
  const { status } = response;
  if (response.redirected || status === 401) throw new RequestFailure('signed_out', { status });
  if (status === 403) throw new RequestFailure('forbidden', { status });
  const error = body as Partial<InspectorError> | undefined;
  if (!response.ok)
    throw new RequestFailure('rejected', { status, retryAfterMs: retryAfterMs(response.headers), error });
  if (typeof body !== 'object' || body === null) throw new RequestFailure('invalid', { status });
  return body as T;
}

/** An error that is no `RequestFailure` is a bug of the page. Browsers log it to their console. */
export function failureOf(error: unknown): RequestFailure {
  if (error instanceof RequestFailure) return error;
  reportError(error);
  return new RequestFailure('page_failed');
}

async function answerOf(url: URL, fetch: Environment['fetch'], signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { signal, headers: { Accept: 'application/json' }, cache: 'no-store' });
  } catch {
    throw new RequestFailure('unreachable');
  }
}

function retryAfterMs(headers: Headers): number {
  const seconds = Number(headers.get('Retry-After') ?? 0);
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds * 1_000), RETRY_AFTER_MAX_MS) : 0;
}
