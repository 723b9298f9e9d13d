import { Deadline } from './abort.js';
import type { ConnectionEvent } from './connection-state.js';
import { type Delivery, fieldsOf, hasContent } from './delivery.js';
import type { Environment } from './environment.js';
import { eventOf, fetchResponse, type HttpRequest, readPage, RetryableError } from './response.js';

/** One poll, or one stream. */
export interface ReadRequest extends HttpRequest {
  /** The position from which the request reads. */
  readonly cursor: string | undefined;
  /**
   * Aborts a request that takes too long or is not needed any more. `poll` and `readStream` also
   * abort it at their end.
   */
  readonly controller: AbortController;
  /** Reads the body of a poll. Undefined if its shape is wrong. */
  readonly deliveryFrom: (page: unknown) => Delivery | undefined;
  /** Resolves when the consumers can take more. */
  readonly deliver: (delivery: Delivery) => Promise<void> | void;
}

/** A poll may take this much longer than its wait. */
const GRACE_MS = 10_000;
/** If a poll gets an empty answer sooner than this, the server did not hold the poll. */
const HELD_MS = 1_000;

/**
 * Sends one poll.
 * @throws FeedError for an error that a retry would repeat
 */
export async function poll(environment: Environment, request: ReadRequest, waitMs: number): Promise<ConnectionEvent> {
  const deadline = new Deadline(environment, request.controller);
  try {
    deadline.set(waitMs + GRACE_MS);
    const sentAt = environment.now();
    const response = await fetchResponse(environment, request, 'application/json');
    const page = await readPage(response, deadline);
    const delivery = request.deliveryFrom(page);
    const hasNew = !!delivery && hasContent(delivery);
    // With the same cursor, every poll would return the same notifications.
    if (!delivery || (hasNew && delivery.cursor === request.cursor)) throw new RetryableError('malformed');
    deadline.clear();
    const mustHold = waitMs > HELD_MS;
    const wasNotHeld = !hasNew && mustHold && environment.now() - sentAt < HELD_MS;
    await request.deliver(delivery);
    return {
      type: 'answered',
      hasMore: hasNew && fieldsOf(page).more === true,
      wasNotHeld,
      endsBackoff: hasNew || mustHold,
    };
  } catch (error) {
    return eventOf(error);
  } finally {
    deadline.clear();
    request.controller.abort();
  }
}
