import { ERROR_HEADER } from '../wire/protocol.js';
import { fieldsOf } from './delivery.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { Event, Reason } from './machine.js';

/** Whether cookies are sent, as `fetch` has it. */
export type Credentials = 'omit' | 'same-origin' | 'include';

/** The part of a request that `fetch` needs. */
export interface AnswerRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials | undefined;
  readonly controller: AbortController;
}

/**
 * The most characters of one page, or of one block of a stream: twice the largest notification that a server can be
 * configured to accept. A broken or hostile server must not fill the client's memory.
 */
export const ANSWER_CHARS_MAX = 32 * 1024 * 1024;
/** The most characters of an error's message and code. They end up in logs and on screens. */
const MESSAGE_CHARS_MAX = 500;

/** A request that failed in a way that another attempt may mend, with the event for the machine. */
export class Failure extends Error {
  readonly event: Event;

  constructor(reason: Reason, retryAfterMs?: number) {
    super(reason);
    this.event = { type: 'failed', reason, retryAfterMs };
  }
}

/**
 * Sends a request and returns the response if its status is 200.
 * @throws Failure if another attempt may succeed
 * @throws FeedError otherwise
 */
export async function answer(environment: Environment, request: AnswerRequest, accept: string): Promise<Response> {
  const { url, headers, credentials, controller } = request;
  const init = {
    headers: { ...headers, Accept: accept },
    signal: controller.signal,
    cache: 'no-store',
    // `fetch` would send the custom headers to the new origin too, and accept its pages.
    redirect: 'manual',
    credentials,
  } as RequestInit;
  const response = await environment.fetch(url, init).catch(() => {
    throw new Failure('network');
  });
  if (isRedirect(url, response)) throw redirected(url, response.status);
  if (response.status === 200) return response;
  throw await refusalOf(response);
}

/** The JSON of a body. @throws FeedError if it is too large */
export async function jsonOf(response: Response): Promise<unknown> {
  if (!response.body) return response.json();
  let text = '';
  for await (const piece of textOf(response.body)) {
    text += piece;
    checkSize(text.length);
  }
  return JSON.parse(text);
}

/** The text of a body, in the pieces in which it arrives. */
export async function* textOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}

/** @throws FeedError for more than one answer may have */
export function checkSize(chars: number): void {
  if (chars <= ANSWER_CHARS_MAX) return;
  const message = `the answer has more than ${ANSWER_CHARS_MAX} characters; ask for fewer notifications with \`limit\``;
  throw new FeedError(message, { status: 200, code: 'answer_too_large' });
}

/** React Native follows redirects whatever the request says, and does not set `redirected`; its URLs are absolute. */
function isRedirect(url: string, { type, status, redirected, url: finalUrl }: Response): boolean {
  if (type === 'opaqueredirect' || (status >= 300 && status < 400)) return true;
  const [from, to] = [originOf(url), originOf(finalUrl)];
  return (redirected as boolean | undefined) ?? (from !== undefined && to !== undefined && from !== to);
}

function originOf(url: string | undefined): string | undefined {
  const [, scheme, host] = /^(https?):\/\/([^/?#]+)/.exec(url?.toLowerCase() ?? '') ?? [];
  return host && `${scheme}//${host.replace(scheme === 'http' ? /:80$/ : /:443$/, '')}`;
}

function redirected(url: string, status: number): FeedError {
  // A query may hold a ticket.
  const message = `${url.replace(/[?#].*/s, '')} redirects. The client follows no redirects, because its headers would be sent elsewhere; set \`url\` to the final address.`;
  return new FeedError(message, { status: status || undefined, code: 'redirected' });
}

async function refusalOf(response: Response): Promise<Failure | FeedError> {
  const { status, headers } = response;
  const retryAfterMs = retryAfter(headers.get('retry-after'));
  if (status === 429 || status === 503) return new Failure('busy', retryAfterMs);
  if (status === 408 || status >= 500) return new Failure('server', retryAfterMs);
  const body = fieldsOf(await jsonOf(response).catch(() => undefined));
  // An exception filter of the application may replace the body, but hardly the header.
  const code = shortText(headers.get(ERROR_HEADER)) ?? shortText(body.code);
  const message = `the server answered with status ${status}${code ? ` (${code})` : ''}`;
  return new FeedError(shortText(body.message) ?? message, { status, code });
}

function shortText(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MESSAGE_CHARS_MAX) : undefined;
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : undefined;
}
