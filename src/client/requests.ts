import type { Gap } from '../core/page.js';
import { CURSOR_EVENT, EVENT_STREAM_TYPE, GAP_EVENT } from '../wire/protocol.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { Event, Reason } from './machine.js';
import { type SseBlock, SseParser } from './sse-parser.js';

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
  readonly url: string;
  /** Where it asks from. */
  readonly cursor: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials | undefined;
  /** Aborted when it takes too long, or by who has made it. */
  readonly controller: AbortController;
  /** Takes what has come; resolves when there is room for more. */
  readonly deliver: (delivery: Delivery) => Promise<void> | void;
}

/** An answer later than what was asked for by this much is none. */
const GRACE_MS = 10_000;
/** The first block of a stream is sent at once; later than this it was held back. */
const PROOF_MS = 4_000;
/** A poll that is to be held for longer than this, and brings nothing sooner, was not held. */
const HELD_MS = 1_000;
/** A stream that says nothing for so long, not even a heartbeat, is gone. */
const SILENCE_MS = 45_000;

/** What went wrong, with what the machine is to make of it. */
class Failure extends Error {
  readonly event: Event;

  constructor(reason: Reason, retryAfterMs?: number) {
    super(reason);
    this.event = { type: 'failed', reason, retryAfterMs };
  }
}

/**
 * Polls once.
 * @throws FeedError for an answer that would be the same the next time
 */
export async function poll(environment: Environment, request: FeedRequest, waitMs: number): Promise<Event> {
  const limit = new Deadline(environment, request.controller);
  try {
    limit.within(waitMs + GRACE_MS);
    const askedAt = environment.now();
    const response = await answer(environment, request, 'application/json');
    const page: unknown = await response.json().catch(() => {
      throw new Failure(limit.isOver ? 'network' : 'malformed');
    });
    if (!isPage(page)) throw new Failure('malformed');
    const hasNews = page.notifications.length > 0;
    // It would come again and again.
    if (hasNews && page.cursor === request.cursor) throw new Failure('malformed');
    limit.done();
    const isIdle = !hasNews && waitMs > HELD_MS && environment.now() - askedAt < HELD_MS;
    await request.deliver(page);
    return { type: 'answered', more: page.more === true, isIdle };
  } catch (error) {
    return eventOf(error);
  } finally {
    limit.done();
  }
}

/**
 * Follows a stream until it ends.
 * @throws FeedError as `poll` does
 */
export async function follow(environment: Environment, request: FeedRequest, onOpen: () => void): Promise<Event> {
  const limit = new Deadline(environment, request.controller);
  let openedAt: number | undefined;
  const ended = (retryMs?: number): Event => {
    const now = environment.now();
    return { type: 'ended', livedMs: now - (openedAt ?? now), retryMs };
  };
  try {
    limit.within(PROOF_MS);
    const response = await answer(environment, request, EVENT_STREAM_TYPE);
    const reader = response.body?.getReader() as ByteReader | undefined;
    if (!reader || !response.headers.get('content-type')?.startsWith(EVENT_STREAM_TYPE)) return { type: 'unproven' };
    const blocks: Delivery[] = [];
    let at = request.cursor ?? '';
    const parser = new SseParser((block) => {
      const delivery = deliveryOf(block, at);
      if (!delivery) return;
      at = delivery.cursor;
      blocks.push(delivery);
    });
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      limit.within(SILENCE_MS);
      parser.push(decoder.decode(value, { stream: true }));
      // A node that is busy says only when to come back.
      if (openedAt === undefined && blocks.length > 0) {
        openedAt = environment.now();
        onOpen();
      }
      limit.done();
      for (const block of blocks.splice(0)) await request.deliver(block);
      limit.within(SILENCE_MS);
    }
    // One that ends before its first block is the server's way to say that it is busy.
    return ended(parser.retryMs);
  } catch (error) {
    if (openedAt === undefined) return limit.isOver ? { type: 'unproven' } : eventOf(error);
    return error instanceof Failure || error instanceof FeedError ? eventOf(error) : ended();
  } finally {
    limit.done();
  }
}

async function answer(
  { fetch }: Environment,
  { url, headers, credentials, controller }: FeedRequest,
  accept: string,
): Promise<Response> {
  const init = {
    headers: { ...headers, Accept: accept },
    signal: controller.signal,
    cache: 'no-store',
    credentials,
  } as RequestInit;
  const response = await fetch(url, init).catch(() => {
    throw new Failure('network');
  });
  if (response.status === 200) return response;
  const body: unknown = await response.json().catch(() => undefined);
  const { message, code } = (body ?? {}) as { message?: unknown; code?: unknown };
  const { status } = response;
  const retryAfterMs = retryAfter(response.headers.get('retry-after'));
  if (status === 429 || status === 503) throw new Failure('busy', retryAfterMs);
  if (status === 408 || status >= 500) throw new Failure('server', retryAfterMs);
  throw new FeedError(typeof message === 'string' ? message : `Status ${status}`, {
    status,
    code: typeof code === 'string' ? code : undefined,
  });
}

function eventOf(error: unknown): Event {
  if (error instanceof FeedError) throw error;
  return error instanceof Failure ? error.event : { type: 'failed', reason: 'network' };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : undefined;
}

function isPage(page: unknown): page is Delivery & { readonly more?: unknown } {
  const { notifications, cursor } = (page ?? {}) as Partial<Delivery>;
  return Array.isArray(notifications) && typeof cursor === 'string' && cursor !== '';
}

/** Undefined for events that a later version of the server may know. */
function deliveryOf({ event, data, id }: SseBlock, at: string): Delivery | undefined {
  if (event === CURSOR_EVENT) return { notifications: [], cursor: id };
  if (event !== undefined && event !== GAP_EVENT) return undefined;
  // One that has no place of its own would come again and again.
  if (id === '' || (id === at && !event)) throw new Failure('malformed');
  const parsed = parse(data);
  return event ? { notifications: [], cursor: id, gap: parsed as Gap } : { notifications: [parsed], cursor: id };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new Failure('malformed');
  }
}

/** What is used of a body's reader. */
interface ByteReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
}

/** Aborts what takes too long. */
class Deadline {
  readonly #environment: Environment;
  readonly #controller: AbortController;
  #timer: unknown;
  isOver = false;

  constructor(environment: Environment, controller: AbortController) {
    this.#environment = environment;
    this.#controller = controller;
  }

  /** From now on, until it is told again. */
  within(ms: number): void {
    this.done();
    this.#timer = this.#environment.setTimeout(() => {
      this.isOver = true;
      this.#controller.abort();
    }, ms);
  }

  done(): void {
    this.#environment.clearTimeout(this.#timer);
  }
}
