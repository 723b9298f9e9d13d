import type { Feed } from '../../core/feed.js';
import type { FeedRequest } from '../../core/feed-request.js';
import type { LogPage } from '../../core/page.js';
import { PageConsumer } from '../../core/page-consumer.js';
import { race } from '../../core/race.js';
import { checkRights } from '../../core/rights.js';
import type { LaneAnswer, LaneAnswers } from './answers.js';
import type { Grant, LaneConnection } from './connection.js';

/**
 * One poll on the direct lane. It does the work of `NotificationsController` without a framework.
 */
export class LanePoll extends PageConsumer {
  readonly #answers: LaneAnswers;
  readonly #connection: LaneConnection;
  readonly #grant: Grant;
  readonly #cursor: string;
  #isStarting = false;
  #isRejected = false;

  constructor(answers: LaneAnswers, connection: LaneConnection, grant: Grant, cursor: string) {
    super();
    this.#answers = answers;
    this.#connection = connection;
    this.#grant = grant;
    this.#cursor = cursor;
  }

  /**
   * Checks `access.read` and holds the poll. A rejected poll takes the usual path, which answers
   * with the reason.
   */
  start(feed: Feed, request: FeedRequest): void {
    const { rights, topics } = request;
    if (!rights) {
      this.#hold(feed, request);
      return;
    }
    checkRights(rights, topics, {
      allowed: (allowed) => {
        if (allowed.length < topics.length) this.#connection.passThrough();
        else this.#hold(feed, request);
      },
      failed: () => {
        this.#connection.passThrough();
      },
    });
  }

  next(page: LogPage): void {
    this.#send(this.#answers.page(page, this.#grant.form.answerLines, this.#cursor));
  }

  override drained(): Promise<void> | undefined {
    return this.#connection.drained();
  }

  error(error: unknown): void {
    // A poll that is rejected at once takes the usual path.
    if (this.#isStarting) this.#isRejected = true;
    else this.#send(this.#answers.error(error, this.#grant));
  }

  complete(): void {
    // Nothing to do: `next` has written the answer.
  }

  #hold(feed: Feed, request: FeedRequest): void {
    this.#isStarting = true;
    const waiter = race(feed.arrivals(request), feed.timeout(request)).subscribe(this);
    this.#isStarting = false;
    if (this.#isRejected) this.#connection.passThrough();
    else this.#connection.hold(waiter);
  }

  #send(answer: LaneAnswer): void {
    this.#connection.answer(answer, this.#grant.arrival.granted);
  }
}
