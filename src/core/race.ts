import type { Unsubscribable } from 'rxjs';
import type { PageConsumer } from './page-consumer.js';
import { Pages } from './pages.js';

/** A time limit on the feed's clock. */
export interface Timeout {
  readonly waitMs: number;
}

type StartPoll = (consumer: PageConsumer, timeout: Timeout) => Unsubscribable;

const NEVER: Timeout = { waitMs: Infinity };

/**
 * The page with the next new notifications of a request, or with a gap. Without a timeout, the
 * waiter waits until there are new notifications.
 */
export class Arrivals extends Pages {
  readonly #startPoll: StartPoll;

  constructor(startPoll: StartPoll) {
    super((consumer) => startPoll(consumer, NEVER));
    this.#startPoll = startPoll;
  }

  against(timeout: Timeout): Pages {
    return new Pages((consumer) => this.#startPoll(consumer, timeout));
  }
}

/**
 * The long poll: waits for new notifications or for the timeout. It emits one page and completes.
 *
 * If the timeout won a `race` of RxJS, the waiter's read position would be lost. Here the waiter
 * answers a timeout with an empty page at that position, so the client's cursor advances. If a
 * notification arrives at the same time, the waiter is already queued and delivers it.
 */
export function race(arrivals: Arrivals, timeout: Timeout): Pages {
  return arrivals.against(timeout);
}
