import { CURSOR_EVENT, EVENT_STREAM_TYPE, GAP_EVENT, RETRACTED_EVENT } from '../wire/protocol.js';
import { Deadline } from './abort.js';
import { readText } from './body.js';
import type { ConnectionEvent } from './connection-state.js';
import { type Delivery, deliveryFrom } from './delivery.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { ReadRequest } from './poll.js';
import { eventOf, fetchResponse, RetryableError } from './response.js';
import { type SseBlock, SseParser } from './sse-parser.js';

/**
 * A server sends the first block of a stream at once. If the block arrives later, a proxy buffers
 * the stream.
 */
const OPEN_MS = 4_000;
/** A server sends heartbeats more often than this, so a silent stream is dead. */
const SILENCE_MS = 45_000;

/**
 * Reads a stream until it ends.
 * @param onOpen called when the first block has arrived
 * @throws FeedError for an error that a retry would repeat
 */
export async function readStream(
  environment: Environment,
  request: ReadRequest,
  onOpen: () => void,
): Promise<ConnectionEvent> {
  const deadline = new Deadline(environment, request.controller);
  let openedAt: number | undefined;
  const ended = (retryMs?: number): ConnectionEvent => {
    const now = environment.now();
    return { type: 'ended', openMs: now - (openedAt ?? now), retryMs };
  };
  try {
    deadline.set(OPEN_MS);
    const { body, headers } = await fetchResponse(environment, request, EVENT_STREAM_TYPE);
    if (!body || !headers.get('content-type')?.startsWith(EVENT_STREAM_TYPE)) return { type: 'streamUnavailable' };
    const deliveries: Delivery[] = [];
    let cursor = request.cursor ?? '';
    const parser = new SseParser((block) => {
      const delivery = deliveryOf(block, cursor);
      if (!delivery) return;
      cursor = delivery.cursor;
      deliveries.push(delivery);
    });
    for await (const text of readText(body)) {
      deadline.set(SILENCE_MS);
      parser.push(text);
      // A busy node sends `retry:` only, and no block.
      if (openedAt === undefined && deliveries.length > 0) {
        openedAt = environment.now();
        onOpen();
      }
      deadline.clear();
      for (const delivery of deliveries.splice(0)) await request.deliver(delivery);
      deadline.set(SILENCE_MS);
    }
    return ended(parser.retryMs);
  } catch (error) {
    if (openedAt === undefined) return deadline.hasPassed ? { type: 'streamUnavailable' } : eventOf(error);
    return error instanceof RetryableError || error instanceof FeedError ? eventOf(error) : ended();
  } finally {
    deadline.clear();
    // Closes the stream, because the client does not read the rest of a malformed one.
    request.controller.abort();
  }
}

/** Undefined for an event type that this version of the client does not know. */
function deliveryOf({ event, data, id }: SseBlock, cursor: string): Delivery | undefined {
  if (![undefined, GAP_EVENT, CURSOR_EVENT, RETRACTED_EVENT].includes(event)) return undefined;
  const content = (name?: string): unknown[] => (event === name ? [parse(data)] : []);
  const [gap] = content(GAP_EVENT);
  const delivery = deliveryFrom({ notifications: content(), cursor: id, gap, retracted: content(RETRACTED_EVENT) });
  // If the cursor does not move, the notification arrives again after each reconnect.
  if (!delivery || gap === null || (id === cursor && !event)) throw new RetryableError('malformed');
  return delivery;
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new RetryableError('malformed');
  }
}
