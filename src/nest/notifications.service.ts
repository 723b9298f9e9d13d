import { Inject, Injectable } from '@nestjs/common';
import { catchError, defer, map, type Observable, throwError } from 'rxjs';
import type { PublishItem } from '../core/draft.js';
import { NotificationsError } from '../core/errors.js';
import type { FeedCounts, FeedHealth, FeedRequest } from '../core/feed.js';
import type {
  AnyNotifications,
  DataOf,
  Notification,
  NotificationMap,
  NotificationOf,
  TopicOf,
  TypeOf,
} from '../core/notification.js';
import type { LogPage } from '../core/page.js';
import type { Page } from '../wire/encoder.js';
import { checkTopics } from '../wire/request.js';
import { toException } from './exception.js';
import { type Published, Publisher } from './publisher.js';
import type { Runtime } from './runtime.js';
import { RUNTIME } from './tokens.js';

/** What a timer of the runtime can take; in process nothing else speaks against a long wait. */
const WAIT_MS_MAX = 2 ** 31 - 1;

/** What application code asks of the feed. It is trusted: no access rule is asked. */
export interface PollRequest<Topic extends string = string> {
  readonly topics: readonly Topic[];
  /** From an earlier page, from `cursor()`, or `'earliest'` or `'latest'`. Default `'latest'`. */
  readonly cursor?: string | undefined;
  /** Milliseconds to wait while there is nothing to say. Default: the option `poll.waitMs`. */
  readonly waitMs?: number | undefined;
  /** Notifications per page. Default: the option `poll.limit`. */
  readonly limit?: number | undefined;
}

/** A notification to publish to a known topic. */
export type NewNotification<Map extends NotificationMap, Topic extends TopicOf<Map>> = {
  [Type in TypeOf<Map, Topic>]: {
    readonly type: Type;
    readonly data: DataOf<Map, Topic, Type>;
    /** Makes a repeat harmless: the same id again answers the first result. Default: a new UUID. */
    readonly id?: string;
  };
}[TypeOf<Map, Topic>];

/**
 * The way into the feed for application code: publish, poll and follow. Everything it rejects with or errors with on
 * purpose is a `NotificationsException`.
 *
 * @typeParam Map - The application's notification types, declared once.
 */
@Injectable()
export class NotificationsService<Map extends NotificationMap = AnyNotifications> {
  readonly #runtime: Runtime;
  readonly #publisher: Publisher;

  constructor(@Inject(RUNTIME) runtime: Runtime) {
    this.#runtime = runtime;
    this.#publisher = new Publisher(runtime);
  }

  /**
   * Appends one notification, or several atomically and next to each other. Resolves when they are as durable as the
   * store promises; whoever follows the topic is being told by then.
   *
   * Rejects with a `NotificationsException`: `topic_invalid`, `type_invalid`, `id_invalid`, `data_invalid` (no JSON, or
   * refused by its schema), `notification_too_large`, `notifications_too_many`, or `store_unavailable`, after which the
   * same call may be repeated safely if it gave ids.
   */
  publish<Topic extends TopicOf<Map>>(
    topic: Topic,
    notifications: NewNotification<Map, Topic> | readonly NewNotification<Map, Topic>[],
  ): Promise<Published> {
    const list = (Array.isArray(notifications) ? notifications : [notifications]) as readonly Omit<
      PublishItem,
      'topic'
    >[];
    return this.publishAll(list.map((notification) => ({ ...notification, topic })));
  }

  /** Like `publish`, for notifications of different topics: all are appended or none. Their types are checked at run time only. */
  async publishAll(items: readonly PublishItem[]): Promise<Published> {
    try {
      return await this.#publisher.publish(items);
    } catch (error) {
      throw toException(error);
    }
  }

  /**
   * One long poll: a page at once if there is news, otherwise when there is some or `waitMs` has passed; then it completes.
   * Unsubscribing takes the poll back. A controller may return it as it is.
   *
   * Errors with a `NotificationsException`: `topic_missing`, `topic_invalid`, `topics_too_many`, `cursor_invalid`,
   * `wait_invalid`, `limit_invalid`, `waiters_too_many`, `draining` or `store_unavailable`.
   */
  poll<Topic extends TopicOf<Map>>(request: PollRequest<Topic>): Observable<Page<NotificationOf<Map, Topic>>> {
    return this.#pages(() => this.#runtime.feed.poll(this.#feedRequest(request)));
  }

  /**
   * Page after page for as long as it is subscribed, an empty one whenever `waitMs` passes without news. It completes when
   * the application shuts down, after a last page. Errors like `poll`.
   */
  follow<Topic extends TopicOf<Map>>(request: PollRequest<Topic>): Observable<Page<NotificationOf<Map, Topic>>> {
    return this.#pages(() => this.#runtime.feed.follow(this.#feedRequest(request)));
  }

  /**
   * The present end of the log. Put it beside a state that you serve: take the cursor first, then read the state, and a
   * client that follows from there misses nothing in between.
   */
  cursor(): string {
    const { feed, encoder } = this.#runtime;
    return encoder.seal(feed.window.epoch, feed.window.head);
  }

  /**
   * Ends the polls and streams of a subscriber on every node, or those that have asked for one of these topics. They end where they stand,
   * a poll with an empty page, so that their clients ask again and are told what holds now. What that is `access` says; see to it first.
   *
   * Resolves when it stands in the log: nothing that is published after that is handed over, on any node. It is in force on this
   * node at once. Rejects with a `NotificationsException` `store_unavailable`, `topic_invalid` or `topics_too_many`.
   */
  async revoke(subscriber: string, topics?: readonly TopicOf<Map>[]): Promise<void> {
    const { feed, settings } = this.#runtime;
    try {
      await feed.revoke({ subscriber, topics: topics && checkTopics(topics, settings.limits.topicsMax) });
    } catch (error) {
      throw toException(error);
    }
  }

  /**
   * Whether clients should be sent to this node, for readiness checks: `draining` from the moment the application begins to shut down,
   * `store_unavailable` when the store does not answer. Never rejects.
   */
  async health(): Promise<FeedHealth> {
    return this.#runtime.leaving ? 'draining' : this.#runtime.feed.health();
  }

  /** What is open on this node at this moment. */
  counts(): FeedCounts {
    return this.#runtime.feed.counts();
  }

  /** The core's pages and errors as application code sees them. */
  #pages<N extends Notification>(start: () => Observable<LogPage>): Observable<Page<N>> {
    return defer(start).pipe(
      map((page) => this.#runtime.encoder.page(page) as Page<N>),
      catchError((error: unknown) => throwError(() => toException(error))),
    );
  }

  #feedRequest(request: PollRequest): FeedRequest {
    const { settings, cursors, feed } = this.#runtime;
    const { poll, limits } = settings;
    const { cursor = 'latest', waitMs = poll.waitMs, limit = poll.limit } = request;
    if (!(waitMs >= 0 && waitMs <= WAIT_MS_MAX)) {
      throw new NotificationsError('wait_invalid', `waitMs is ${waitMs}, must be a number from 0 to ${WAIT_MS_MAX}`);
    }
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > poll.limitMax) {
      throw new NotificationsError(
        'limit_invalid',
        `limit is ${limit}, must be a whole number from 1 to ${poll.limitMax}`,
      );
    }
    const after = cursor === 'latest' || cursor === 'earliest' ? cursor : cursors.open(cursor, feed.window.epoch);
    if (!after) throw new NotificationsError('cursor_invalid', 'cursor is not a cursor of this feed');
    return { topics: checkTopics(request.topics, limits.topicsMax), after, limit, waitMs };
  }
}
