import type { Feed, FeedRequest } from '../../core/feed.js';
import type { LogPage } from '../../core/page.js';
import type { PageConsumer } from '../../core/page-consumer.js';
import type { LaneAnswer, LaneAnswers } from './answers.js';
import type { Grant, LaneConnection } from './connection.js';

/** One poll on the direct lane: the way of `NotificationsController`, without a framework. */
export class LanePoll implements PageConsumer {
  readonly #answers: LaneAnswers;
  readonly #connection: LaneConnection;
  readonly #grant: Grant;
  readonly #cursor: string;

  constructor(answers: LaneAnswers, connection: LaneConnection, grant: Grant, cursor: string) {
    this.#answers = answers;
    this.#connection = connection;
    this.#grant = grant;
    this.#cursor = cursor;
  }

  /** Asks `access.read`, and holds the poll. What is refused goes the whole way, where the application says why. */
  start(feed: Feed, request: FeedRequest): void {
    const { rights, topics } = request;
    const goWholeWay = (): void => {
      this.#connection.goWholeWay();
    };
    const decide = (allowed: readonly string[]): void => {
      if (allowed.length < topics.length) goWholeWay();
      else this.#hold(feed, request);
    };
    try {
      const allowed = rights ? rights.allowed(topics) : topics;
      if (allowed instanceof Promise) allowed.then(decide, goWholeWay);
      else decide(allowed);
    } catch {
      goWholeWay();
    }
  }

  next(page: LogPage): void {
    this.#send(this.#answers.page(page, this.#grant.form.answerLines, this.#cursor));
  }

  drained(): Promise<void> | undefined {
    return this.#connection.drained();
  }

  error(error: unknown): void {
    this.#send(this.#answers.refusal(error, this.#grant));
  }

  complete(): void {
    // The answer was the page.
  }

  #hold(feed: Feed, request: FeedRequest): void {
    try {
      this.#connection.hold(feed.hold(request, this, 'one'));
    } catch {
      this.#connection.goWholeWay();
    }
  }

  #send(answer: LaneAnswer): void {
    this.#connection.answer(answer, this.#grant.arrival.granted);
  }
}
