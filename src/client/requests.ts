import type { Gap } from '../core/page.js';
import { CURSOR_EVENT, EVENT_STREAM_TYPE, GAP_EVENT } from '../wire/protocol.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { Event, Reason } from './machine.js';
import { SseParser } from './sse-parser.js';

/** What one answer, or one block of a stream, brings. */
export interface Delivery {
  readonly notifications: readonly unknown[];
  /** Where to go on when these have been handed over. */
  readonly cursor: string;
  readonly gap?: Gap | undefined;
}

/** Whether cookies are sent, as `fetch` has it. */
export type Credentials = 'omit' | 'same-origin' | 'include';

/** One request to be made. */
export interface FeedRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials | undefined;
  readonly signal: AbortSignal;
  /** Takes what has come; resolves when there is room for more. */
  readonly deliver: (delivery: Delivery) => Promise<void> | void;
}

/** An answer later than what was asked for by this much is none. */
const GRACE_MS = 10_000;
/** The first block of a stream is sent at once; later than this it was held back. */
const PROOF_MS = 4_000;
/** A stream that says nothing for so long, not even a heartbeat, is gone. */
const SILENCE_MS = 45_000;

/** What went wrong, with what the machine is to make of it. */
class Failure extends Error {
  readonly event: Event;

  constructor(reason: Reason, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(reason, options);
    this.event = { type: 'failed', reason, retryAfterMs: options.retryAfterMs };
  }
}

/**
 * Polls once.
 * @throws FeedError for an answer that would be the same the next time
 */
export async function poll(environment: Environment, request: FeedRequest, waitMs: number): Promise<Event> {
  const limit = new Deadline(environment, request.signal);
  try {
    limit.within(waitMs + GRACE_MS);
    const response = await answer(environment, request, 'application/json', limit.signal);
    const page: unknown = await response.json().catch((cause: unknown) => {
      throw new Failure(limit.signal.aborted ? 'network' : 'malformed', { cause });
    });
    if (!isPage(page)) throw new Failure('malformed');
    limit.done();
    await request.deliver(page);
    return { type: 'answered', more: page.more === true };
  } catch (error) {
    return eventOf(error);
  } finally {
    limit.release();
  }
}

/**
 * Follows a stream until it ends.
 * @throws FeedError as `poll` does
 */
export async function follow(environment: Environment, request: FeedRequest, onOpen: () => void): Promise<Event> {
  const limit = new Deadline(environment, request.signal);
  let openedAt: number | undefined;
  try {
    limit.within(PROOF_MS);
    const response = await answer(environment, request, EVENT_STREAM_TYPE, limit.signal);
    const reader = response.body?.getReader() as ByteReader | undefined;
    if (!reader || !response.headers.get('content-type')?.startsWith(EVENT_STREAM_TYPE)) return { type: 'unproven' };
    const blocks: Delivery[] = [];
    const parser = new SseParser((block) => {
      blocks.push(deliveryOf(block));
    });
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      limit.within(SILENCE_MS);
      parser.push(decoder.decode(value, { stream: true }));
      // A node that is busy says only when to come back.
      if (openedAt === undefined && blocks.some(({ cursor }) => cursor !== '')) {
        openedAt = environment.now();
        onOpen();
      }
      limit.done();
      for (const block of blocks.splice(0)) await request.deliver(block);
      limit.within(SILENCE_MS);
    }
    // One that ends before its first block is the server's way to say that it is busy.
    return { type: 'ended', livedMs: environment.now() - (openedAt ?? environment.now()), retryMs: parser.retryMs };
  } catch (error) {
    if (request.signal.aborted || error instanceof FeedError) throw error;
    if (openedAt !== undefined && !(error instanceof Failure)) {
      return { type: 'ended', livedMs: environment.now() - openedAt, retryMs: undefined };
    }
    return limit.isOver && openedAt === undefined ? { type: 'unproven' } : eventOf(error);
  } finally {
    limit.release();
  }
}

async function answer(
  { fetch }: Environment,
  { url, headers, credentials }: FeedRequest,
  accept: string,
  signal: AbortSignal,
): Promise<Response> {
  const init = {
    headers: { ...headers, Accept: accept },
    signal,
    cache: 'no-store',
    ...(credentials && { credentials }),
  };
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    throw new Failure('network', { cause });
  }
  if (response.status === 200) return response;
  const body: unknown = await response.json().catch(() => undefined);
  const { message, code } = (body ?? {}) as { message?: unknown; code?: unknown };
  const { status } = response;
  const retryAfterMs = retryAfter(response.headers.get('retry-after'));
  if (status === 429 || status === 503) throw new Failure('busy', { retryAfterMs });
  if (status === 408 || status === 425 || status >= 500) throw new Failure('server', { retryAfterMs });
  throw new FeedError(typeof message === 'string' ? message : `The feed answered with status ${status}.`, {
    status,
    code: typeof code === 'string' ? code : undefined,
  });
}

function eventOf(error: unknown): Event {
  if (error instanceof FeedError) throw error;
  return error instanceof Failure ? error.event : { type: 'failed', reason: 'network', retryAfterMs: undefined };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function isPage(page: unknown): page is Delivery & { readonly more?: unknown } {
  const { notifications, cursor } = (page ?? {}) as Partial<Delivery>;
  return Array.isArray(notifications) && typeof cursor === 'string' && cursor !== '';
}

function deliveryOf({ event, data, id }: { event: string | undefined; data: string; id: string }): Delivery {
  const parsed = (): unknown => {
    try {
      return JSON.parse(data);
    } catch (cause) {
      throw new Failure('malformed', { cause });
    }
  };
  if (event === undefined) return { notifications: [parsed()], cursor: id };
  const gap = event === GAP_EVENT ? (parsed() as Delivery['gap']) : undefined;
  // Events that a later version of the server may know move nothing.
  return { notifications: [], cursor: event === CURSOR_EVENT || gap ? id : '', gap };
}

/** What is used of a body's reader. */
interface ByteReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
}

/** Aborts what takes too long. */
class Deadline {
  readonly #environment: Environment;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #abort = (): void => this.#controller.abort();
  #timer: unknown;
  isOver = false;

  constructor(environment: Environment, outer: AbortSignal) {
    this.#environment = environment;
    this.#outer = outer;
    if (outer.aborted) this.#abort();
    else outer.addEventListener('abort', this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on, until it is told again. */
  within(ms: number): void {
    this.#environment.clearTimeout(this.#timer);
    this.#timer = this.#environment.setTimeout(() => {
      this.isOver = true;
      this.#controller.abort();
    }, ms);
  }

  done(): void {
    this.#environment.clearTimeout(this.#timer);
  }

  release(): void {
    this.done();
    this.#outer.removeEventListener('abort', this.#abort);
  }
}
