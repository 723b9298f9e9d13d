import { CURSOR_EVENT, EVENT_STREAM_TYPE, GAP_EVENT } from '../wire/protocol.js';
import { answer, type AnswerRequest, Failure, jsonOf, textOf } from './answer.js';
import { Deadline } from './deadline.js';
import { type Delivery, deliveryFrom, fieldsOf } from './delivery.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { Event } from './machine.js';
import { type SseBlock, SseParser } from './sse-parser.js';

/** One poll, or one stream. */
export interface FeedRequest extends AnswerRequest {
  /** The position from which it reads. */
  readonly cursor: string | undefined;
  /** Aborts when the request takes too long or is not needed any more, and when it has ended. */
  readonly controller: AbortController;
  /** Resolves when there is room for more. */
  readonly deliver: (delivery: Delivery) => Promise<void> | void;
}

/** How much longer than its wait a poll may take. */
const GRACE_MS = 10_000;
/** A server sends the first block of a stream at once. If it takes longer, a proxy buffers the stream. */
const PROOF_MS = 4_000;
/** The server did not hold a poll that had to wait for longer than this, and is answered sooner, with nothing. */
const HELD_MS = 1_000;
/** Heartbeats come more often than this, so a silent stream is dead. */
const SILENCE_MS = 45_000;

/**
 * Polls once.
 * @throws FeedError for an answer that would be the same the next time
 */
export async function poll(environment: Environment, request: FeedRequest, waitMs: number): Promise<Event> {
  const limit = new Deadline(environment, request.controller);
  try {
    limit.within(waitMs + GRACE_MS);
    const sentAt = environment.now();
    const response = await answer(environment, request, 'application/json');
    const page = await jsonOf(response).catch((error: unknown) => {
      throw error instanceof FeedError ? error : new Failure(limit.isOver ? 'network' : 'malformed');
    });
    const delivery = deliveryFrom(page);
    const hasNew = !!delivery?.notifications.length;
    // The same cursor would bring the same notifications again and again.
    if (!delivery || (hasNew && delivery.cursor === request.cursor)) throw new Failure('malformed');
    limit.done();
    const mayIdle = waitMs > HELD_MS;
    const isIdle = !hasNew && mayIdle && environment.now() - sentAt < HELD_MS;
    await request.deliver(delivery);
    return { type: 'answered', more: hasNew && fieldsOf(page).more === true, isIdle, isProof: hasNew || mayIdle };
  } catch (error) {
    return eventOf(error);
  } finally {
    limit.done();
    request.controller.abort();
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
    const { body, headers } = await answer(environment, request, EVENT_STREAM_TYPE);
    if (!body || !headers.get('content-type')?.startsWith(EVENT_STREAM_TYPE)) return { type: 'unproven' };
    const blocks: Delivery[] = [];
    let at = request.cursor ?? '';
    const parser = new SseParser((block) => {
      const delivery = deliveryOf(block, at);
      if (!delivery) return;
      at = delivery.cursor;
      blocks.push(delivery);
    });
    for await (const text of textOf(body)) {
      limit.within(SILENCE_MS);
      parser.push(text);
      // A busy node sends no block, only the time to wait.
      if (openedAt === undefined && blocks.length > 0) {
        openedAt = environment.now();
        onOpen();
      }
      limit.done();
      for (const block of blocks.splice(0)) await request.deliver(block);
      limit.within(SILENCE_MS);
    }
    // A busy server ends a stream before its first block.
    return ended(parser.retryMs);
  } catch (error) {
    if (openedAt === undefined) return limit.isOver ? { type: 'unproven' } : eventOf(error);
    return error instanceof Failure || error instanceof FeedError ? eventOf(error) : ended();
  } finally {
    limit.done();
    // The rest of a malformed stream would stay open otherwise, and nobody reads it.
    request.controller.abort();
  }
}

function eventOf(error: unknown): Event {
  if (error instanceof FeedError) throw error;
  return error instanceof Failure ? error.event : { type: 'failed', reason: 'network' };
}

/** Undefined for events of a later version of the protocol. */
function deliveryOf({ event, data, id }: SseBlock, at: string): Delivery | undefined {
  if (event !== undefined && event !== GAP_EVENT && event !== CURSOR_EVENT) return undefined;
  const gap = event === GAP_EVENT ? parse(data) : undefined;
  const delivery = deliveryFrom({ notifications: event ? [] : [parse(data)], cursor: id, gap });
  // Without a position of its own, a notification would come again and again.
  if (!delivery || gap === null || (id === at && !event)) throw new Failure('malformed');
  return delivery;
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new Failure('malformed');
  }
}
