import { Inject, Injectable } from '@nestjs/common';
import { firstValueFrom, type Observable } from 'rxjs';
import type { PublishItem } from '../core/draft.js';
import { NOTHING_OPEN } from '../core/load.js';
import { healthOf, type NotificationsHealth } from '../core/health.js';
import { checkId, checkTopic } from '../core/names.js';
import type {
  AnyNotifications,
  IncludedTopic,
  NotificationMap,
  NotificationOf,
  PatternName,
  TopicOf,
} from '../core/notification.js';
import { race } from '../core/race.js';
import { NO_TOTALS, type NotificationsTotals } from '../core/observer.js';
import { revocationDraft } from '../core/revocation.js';
import type { Page } from '../wire/encoder.js';
import type { HistoryPage } from '../wire/history.js';
import { checkTopics } from '../wire/request.js';
import { toException, withExceptions } from './notifications.exception.js';
import { feedRequest, type HistoryRequest, historyRequest, type PollRequest } from './feed-request.js';
import { encodedPages } from './reading/encoded-pages.js';
import { type IterateRequest, NotificationIterator } from './reading/notification-iterator.js';
import { erase, type Erased, type ErasureTarget } from './erasing/eraser.js';
import { ManyPublisher, type PublishManyOptions } from './publishing/many-publisher.js';
import type { PublishManyProgress } from './publishing/publish-many-error.js';
import { itemsOf, type NewNotification } from './publishing/new-notification.js';
import { type Publication, type Published, Publisher } from './publishing/publisher.js';
import { isReading, type PublishContext, readingFor } from './context.js';
import { explain } from './explaining/explain.js';
import type { ExplainOptions, NotificationStory } from './explaining/notification-story.js';
import type { SecurityEvent } from './security/security-event.js';
import { CONTEXT } from './module/tokens.js';
import { type NotificationsCounts, NOTHING_UNREAD } from './http/unread.js';

/**
 * Publishes and reads notifications from application code. Its documented errors are instances of
 * `NotificationsException`.
 *
 * @typeParam Map - The application's notification types, declared once.
 */
@Injectable()
export class NotificationsService<Map extends NotificationMap = AnyNotifications> {
  /**
   * Events for logs, metrics and alarms of this feed, on this node: `refused`, `limited`, `revoked`
   * and `cut`; see `SecurityEvent`.
   *
   * A request that the built-in routes reject emits one event. There is no event for a rejection by
   * the application's own guards or by the HTTP server itself. Failures (`store_unavailable`,
   * `draining`) and errors of the application's own calls, such as `publish`, cause no event
   * either. An application that writes its own controller reports its rejections itself.
   *
   * Each request of a caller can cause an event. Count all of them, and log a sample:
   *
   * ```ts
   * securityEvents.subscribe(({ type }) => counts.set(type, (counts.get(type) ?? 0) + 1));
   * // One line a second for each type.
   * securityEvents
   *   .pipe(groupBy(({ type }) => type), mergeMap((events) => events.pipe(throttleTime(1_000))))
   *   .subscribe((event) => logger.warn(event));
   * ```
   *
   * Listeners run before the request is answered, so keep them short. The error of a listener is
   * logged and changes no answer. Events cost nothing while there is no subscriber. The Observable
   * completes when the application has shut down.
   */
  readonly securityEvents: Observable<SecurityEvent>;
  readonly #context: PublishContext;
  readonly #publisher: Publisher;

  constructor(@Inject(CONTEXT) context: PublishContext) {
    this.#context = context;
    this.securityEvents = context.security.observable;
    this.#publisher = new Publisher(context);
  }

  /**
   * Appends one notification, or several notifications atomically. Several notifications are
   * adjacent in the log. Resolves when they are as durable as the store promises. Delivery to
   * readers has then begun.
   *
   * Rejects with a `NotificationsException`: `topic_invalid`, `type_invalid`, `id_invalid`,
   * `option_invalid`, `data_invalid` (not JSON, or rejected by its schema),
   * `notification_too_large`, `notifications_too_many`, or `store_unavailable`. After
   * `store_unavailable`, a call with ids is safe to repeat.
   */
  publish<Topic extends TopicOf<Map>>(
    topic: Topic,
    notifications: NewNotification<Map, Topic> | readonly NewNotification<Map, Topic>[],
  ): Promise<Published> {
    return this.publishAll(itemsOf(topic, notifications));
  }

  /**
   * Like `publish`, for notifications of different topics. Either all of them are appended or none.
   * Their types are checked at run time only.
   */
  publishAll(items: readonly PublishItem[]): Promise<Published> {
    return withExceptions(() => this.#publisher.publish(items));
  }

  /**
   * Publishes one notification to many topics, such as one for each user. The topics may be an
   * array, a generator, or an async iterable such as a database cursor. Their number has no limit.
   * The copies are appended in chunks of at most `publish.notificationsMax` copies and about 1 MiB.
   * The next chunk is read when the store has appended the last one. Each chunk is atomic, but the
   * whole publish is not.
   *
   * The id of each copy derives from the notification's `id` and the topic. So a repeat with the
   * same `id` appends only the missing copies, as long as the store recognises repeated ids.
   *
   * ```ts
   * const notification = { id: 'release-7', type: 'release', data: { version: 7 } };
   * await service.publishMany(topics, notification, {
   *   onProgress: ({ topics }) => logger.log(`published to ${topics} topics`),
   * });
   * ```
   *
   * Resolves with the final progress. Its code is one of `publish`, or `publish_incomplete` if the
   * signal, the topics or `onProgress` ended the publish.
   */
  publishMany<Topic extends TopicOf<Map>>(
    topics: Iterable<Topic> | AsyncIterable<Topic>,
    notification: NewNotification<Map, Topic>,
    options: PublishManyOptions = {},
  ): Promise<PublishManyProgress> {
    const { signal, onProgress } = options;
    return new ManyPublisher(this.#context).publish({ topics, notification, signal, onProgress });
  }

  /**
   * Checks notifications as `publish` does, with the same schemas and limits, but appends nothing.
   * The result is for the outbox of the PostgreSQL store. Pass it to `publishInTransaction` of
   * `nest-notifications/stores/postgres`, or to the SQL function `publish`.
   *
   * Rejects like `publish`, except for `store_unavailable`.
   */
  prepare<Topic extends TopicOf<Map>>(
    topic: Topic,
    notifications: NewNotification<Map, Topic> | readonly NewNotification<Map, Topic>[],
  ): Promise<Publication> {
    return this.prepareAll(itemsOf(topic, notifications));
  }

  /**
   * Like `prepare`, for notifications of different topics. Their types are checked at run time
   * only.
   */
  prepareAll(items: readonly PublishItem[]): Promise<Publication> {
    return withExceptions(() => this.#publisher.prepare(items));
  }

  /**
   * One long poll. It emits a page at once if there are notifications after the cursor. Otherwise
   * it emits when one arrives, or an empty page when `waitMs` has passed. Then it completes.
   * Unsubscribing ends the poll. A controller may return this Observable directly.
   *
   * Errors with a `NotificationsException`: `topic_missing`, `topic_invalid`, `topics_too_many`,
   * `pattern_undeclared`, `cursor_invalid`, `wait_invalid`, `limit_invalid`, `waiters_too_many`,
   * `draining`, `store_unavailable`, or `publish_only`.
   */
  poll<Name extends TopicOf<Map> | PatternName>(
    request: PollRequest<Name>,
  ): Observable<Page<NotificationOf<Map, IncludedTopic<Map, Name>>>> {
    return encodedPages(this.#context, 'poll', (context) => {
      const asked = feedRequest(context, request);
      return race(context.feed.arrivals(asked), context.feed.timeout(asked));
    });
  }

  /**
   * Emits page after page until it is unsubscribed. It emits an empty page whenever `waitMs` passes
   * without new notifications. When the application shuts down, it completes after a last page. It
   * errors with the same exceptions as `poll`.
   */
  follow<Name extends TopicOf<Map> | PatternName>(
    request: PollRequest<Name>,
  ): Observable<Page<NotificationOf<Map, IncludedTopic<Map, Name>>>> {
    return encodedPages(this.#context, 'follow', (context) => context.feed.follow(feedRequest(context, request)));
  }

  /**
   * Reads the newest notifications up to a position, newest first. It never waits. Show a page.
   * Read older pages with `before: page.cursor` while `more` is true. Follow the feed from
   * `page.follow`: no notification is missing or repeated.
   *
   * ```ts
   * const newest = await service.history({ topics: ['orders'], limit: 20 });
   * const older = await service.history({ topics: ['orders'], limit: 20, before: newest.cursor });
   * ```
   *
   * `latest` is the newest notification that this node has received. A page has the gap `reset` if
   * the requested cursor belongs to a log that no longer exists. It then begins at the end of the
   * log again. It has the gap `expired` if a failover has lost notifications after the cursor.
   *
   * Rejects with a `NotificationsException`: `topic_missing`, `topic_invalid`, `topics_too_many`,
   * `pattern_undeclared`, `before_invalid`, `limit_invalid`, `waiters_too_many`, `draining`,
   * `store_unavailable`, or `publish_only`.
   */
  history<Name extends TopicOf<Map> | PatternName>(
    request: HistoryRequest<Name>,
  ): Promise<HistoryPage<NotificationOf<Map, IncludedTopic<Map, Name>>>> {
    return withExceptions(async () => {
      const context = readingFor('history', this.#context);
      const page = await firstValueFrom(context.feed.history(historyRequest(context, request)));
      return context.encoder.page(page) as HistoryPage<NotificationOf<Map, IncludedTopic<Map, Name>>>;
    });
  }

  /**
   * Iterates over notifications, for loops and GraphQL subscriptions. Each value has the cursor
   * right after it.
   *
   * ```ts
   * for await (const { type, data, cursor } of service.iterate({ topics: ['orders'], signal })) {
   *   …
   * }
   * ```
   *
   * It starts at the cursor, by default at the current end of the log. A page is read when the last
   * one has been consumed. `break`, `return()`, an error, or the signal ends the loop and releases
   * the waiter. The loop also ends when the application shuts down.
   *
   * @throws NotificationsException like `poll`. The loop throws the same errors, and `gap` if there
   * is a gap and no `onGap`.
   */
  iterate<Name extends TopicOf<Map> | PatternName>(
    request: IterateRequest<Name>,
  ): NotificationIterator<NotificationOf<Map, IncludedTopic<Map, Name>>> {
    try {
      return new NotificationIterator(readingFor('iterate', this.#context), request);
    } catch (error) {
      throw toException(error);
    }
  }

  /**
   * Returns the cursor of the current end of the log. Use it when you serve a state: get the cursor
   * first, then read the state, and send both. A client that reads from this cursor misses no
   * change after the state was read.
   *
   * @throws NotificationsException `publish_only`
   */
  cursor(): string {
    const { feed, encoder } = readingFor('cursor', this.#context);
    return encoder.seal(feed.window.epoch, feed.window.head);
  }

  /**
   * Ends the polls and streams of a subscriber on every node. With `topics`, it ends those that
   * read at least one of these topics. They end at their current position, and a poll answers with
   * an empty page. Their clients reconnect and are checked against `access`, so update your access
   * rules first.
   *
   * Resolves when the log holds the revocation. Then no node delivers later notifications to the
   * ended polls and streams. On this node the revocation has effect at once. Rejects with a
   * `NotificationsException` `store_unavailable`, `topic_invalid` or `topics_too_many`.
   */
  revoke(subscriber: string, topics?: readonly TopicOf<Map>[]): Promise<void> {
    const context = this.#context;
    return withExceptions(async () => {
      const revocation = { subscriber, topics: topics && checkTopics(topics, context.settings.limits.topicsMax) };
      if (isReading(context)) await context.feed.revoke(revocation);
      else await context.store.append([await revocationDraft(revocation, new Date(context.clock.now()))]);
      context.security.revoked(revocation);
    });
  }

  /**
   * Retracts a notification: later reads skip it on every node, also after a restart. Readers of
   * the topic receive the retraction in the order of the log. A page has it in `retracted`, and a
   * stream has the event `retracted`.
   *
   * When it resolves, the log holds the retraction, and this node no longer delivers the
   * notification. Another node skips it as soon as it receives the retraction. A repeated call, or
   * a call with an unknown id, changes nothing.
   *
   * Rejects with a `NotificationsException`: `topic_invalid`, `id_invalid`,
   * `retractions_too_many`, `store_unavailable`, or `publish_only`. Any of these calls is safe to
   * repeat.
   */
  retract(topic: TopicOf<Map>, id: string): Promise<void> {
    return withExceptions(() => {
      const { feed } = readingFor('retract', this.#context);
      return feed.retract({ topic: checkTopic(topic), id: checkId(id) });
    });
  }

  /**
   * Erases all notifications of a topic, or of the topics that `access.ownedTopics` returns for a
   * subscriber. It removes them physically from the store, and no client gets a gap. The guide has
   * the guarantees, and the copies that engines and backups keep:
   * https://github.com/nest-notifications/nest-notifications/blob/main/docs/erasure.md
   *
   * Notifications that are published after the call stay, so stop their publishers first. This node
   * drops erased notifications at once. Other nodes drop them when they receive the erasure record.
   * There is no HTTP route. Check the caller's right to erase before you call this method.
   *
   * Rejects with a `NotificationsException`: `topic_invalid`, `topics_too_many` (more than 10,000
   * owned topics), `owned_topics_missing` (no rule `access.ownedTopics`), `store_unavailable`, or
   * `publish_only` (only for a subscriber). After `store_unavailable`, repeat the call.
   *
   * @throws TypeError if the target has both a topic and a subscriber, or neither
   */
  erase(target: ErasureTarget<TopicOf<Map>>): Promise<Erased> {
    return withExceptions(() => erase(this.#context, target));
  }

  /**
   * Explains what happened to a notification, and why a subscriber may not receive it: it was
   * trimmed, replaced, retracted or erased, it has expired, or the access rules reject it. For
   * operators: check the caller's rights first. The guide describes the answer:
   * https://github.com/nest-notifications/nest-notifications/blob/main/docs/inspector.md
   *
   * An unknown id is no error: the status is `unknown`. Without `topic`, only notifications in the
   * window are found. Rejects with a `NotificationsException`: `id_invalid`, `topic_invalid`,
   * `subscriber_invalid` or `store_unavailable`.
   */
  explain(id: string, options: ExplainOptions = {}): Promise<NotificationStory> {
    return withExceptions(() => explain(this.#context, id, options));
  }

  /**
   * The state of this node, for readiness checks. It is `draining` as soon as the application
   * begins to shut down, and `store_unavailable` when the store does not answer. Never rejects.
   */
  async health(): Promise<NotificationsHealth> {
    const context = this.#context;
    if (context.leaving.hasBegun) return 'draining';
    return isReading(context) ? context.feed.health() : healthOf(context.store);
  }

  /** The current counts of this node, such as held polls, open streams and unread answers. */
  counts(): NotificationsCounts {
    const context = this.#context;
    if (!isReading(context)) return { ...NOTHING_OPEN, ...NOTHING_UNREAD };
    return { ...context.feed.counts(), ...context.unread.counts() };
  }

  /**
   * Totals of this node since the application started, for metrics. All are zero with
   * `publishOnly`.
   */
  totals(): NotificationsTotals {
    return isReading(this.#context) ? this.#context.feed.totals() : NO_TOTALS;
  }
}
