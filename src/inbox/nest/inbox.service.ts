import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { NotificationsError } from '../../core/errors.js';
import type { PublishItem } from '../../core/draft.js';
import { checkId } from '../../core/names.js';
import { withExceptions } from '../../nest/notifications.exception.js';
import { Publisher } from '../../nest/publishing/publisher.js';
import { IsolatedObservable } from '../../nest/security/isolated-observable.js';
import type { InboxCounts } from '../inbox-counts.js';
import {
  type ErasedInbox,
  type Inbox,
  type InboxListRequest,
  type InboxResult,
  type PerformedOperation,
  readerOf,
} from './inbox.js';
import type { InboxPage } from './inbox-lists.js';
import { checkBroadcast, personalTopic } from './inbox-topics.js';
import { checkOperation, type InboxOp, type InboxTarget } from './operation-request.js';
import { INBOX } from './inbox-token.js';

/** A new item. Its options are those of a publish: `ttlMs`, `expiresAt`, `key`, `priority`. */
export type NewInboxItem = Omit<PublishItem, 'topic'>;

/** The recipient of an item: a subscriber, or all subscribers who see a broadcast. */
export type InboxRecipient = string | { readonly topic: string };

/** The result of `send`. */
export interface SentItem {
  readonly id: string;
  /** The item was sent before under this id, so nothing was appended. */
  readonly duplicate: boolean;
}

/** An operation of the application. */
interface ServiceOperation {
  readonly items: InboxTarget;
  readonly until?: Date;
}

/**
 * The inboxes of an application's subscribers. The methods act for the given subscriber; check
 * access before you call them. They reject with a `NotificationsException`.
 */
@Injectable()
export class InboxService implements OnApplicationShutdown {
  /**
   * Operations that changed an inbox through this node. With several nodes, each operation is
   * emitted once, on the node that performed it.
   */
  readonly changes$: Observable<PerformedOperation>;
  readonly #inbox: Inbox;
  readonly #publisher: Publisher;

  constructor(@Inject(INBOX) inbox: Inbox) {
    this.#inbox = inbox;
    this.#publisher = new Publisher(inbox.context);
    this.changes$ = new IsolatedObservable((observer) => inbox.changes.subscribe(observer));
  }

  /**
   * Sends an item to one subscriber, or to all subscribers of a broadcast. A broadcast is stored
   * once; the option `topics` decides who sees it.
   *
   * A repeated call with the same `id` sends nothing. An id belongs to one recipient: use ids such
   * as `order-17.ann`. Rejects like `NotificationsService.publish`, and with `id_reused` if the id
   * was used for another recipient.
   */
  async send(recipient: InboxRecipient, item: NewInboxItem): Promise<SentItem> {
    return withExceptions(async () => {
      const topic = topicOf(recipient);
      const { ids, duplicate, cursor } = await this.#publisher.publish([{ ...item, topic }]);
      const [id = ''] = ids;
      if (duplicate) await this.#checkRecipient(topic, id, cursor);
      return { id, duplicate };
    });
  }

  /**
   * Takes an item back. It leaves all lists and counts, and connected clients receive the
   * retraction. A repeated call, or a call with an unknown id, changes nothing.
   *
   * Rejects with `topic_invalid`, `subscriber_invalid`, `id_invalid`, `retractions_too_many` or
   * `store_unavailable`.
   */
  retract(recipient: InboxRecipient, id: string): Promise<void> {
    return withExceptions(() => {
      const { feed } = this.#inbox.context;
      return feed.retract({ topic: topicOf(recipient), id: checkId(id) });
    });
  }

  /**
   * A page of items, newest first, with the counts. Rejects with `status_invalid`, `type_invalid`,
   * `before_invalid`, `limit_invalid`, `subscriber_invalid` or `store_unavailable`.
   */
  list(subscriber: string, request: InboxListRequest = {}): Promise<InboxPage> {
    return withExceptions(async () => {
      const checked = this.#inbox.checkList(request);
      const topics = await this.#inbox.topicsOf(subscriber);
      const reader = readerOf(topics, this.#inbox.context.feed);
      const { page } = await this.#inbox.list({ ...checked, reader }, topics);
      return page;
    });
  }

  /** The numbers of the badge. Items are counted from the newest one, up to the cap. */
  counts(subscriber: string): Promise<InboxCounts> {
    return withExceptions(() => this.#inbox.counts(subscriber));
  }

  /** Marks items as seen: they were shown, for example in an open list. */
  markSeen(subscriber: string, target: InboxTarget): Promise<InboxResult> {
    return this.#apply(subscriber, 'seen', { items: target });
  }

  /**
   * Marks items as read, and as seen.
   *
   * Pass `{ upTo: page.follow }` for "mark all as read". With `type: 'comment'`, only items of this
   * type are marked. Items that arrived after that page was read stay unread, and so do snoozed
   * items.
   */
  markRead(subscriber: string, target: InboxTarget): Promise<InboxResult> {
    return this.#apply(subscriber, 'read', { items: target });
  }

  /** Marks items as unread. They stay seen. */
  markUnread(subscriber: string, ids: string | readonly string[]): Promise<InboxResult> {
    return this.#apply(subscriber, 'unread', { items: ids });
  }

  /** Moves items to the archive. */
  archive(subscriber: string, target: InboxTarget): Promise<InboxResult> {
    return this.#apply(subscriber, 'archive', { items: target });
  }

  /** Moves items back from the archive. */
  unarchive(subscriber: string, ids: string | readonly string[]): Promise<InboxResult> {
    return this.#apply(subscriber, 'unarchive', { items: ids });
  }

  /** Hides items until a time, at most a year from now. Then they appear as new items. */
  snooze(subscriber: string, ids: string | readonly string[], until: Date): Promise<InboxResult> {
    return this.#apply(subscriber, 'snooze', { items: ids, until });
  }

  /** Shows snoozed items again. */
  unsnooze(subscriber: string, ids: string | readonly string[]): Promise<InboxResult> {
    return this.#apply(subscriber, 'unsnooze', { items: ids });
  }

  /**
   * Removes items from the subscriber's lists permanently. The log keeps them until retention
   * removes them. A broadcast stays in the inboxes of others.
   */
  remove(subscriber: string, target: InboxTarget): Promise<InboxResult> {
    return this.#apply(subscriber, 'remove', { items: target });
  }

  /**
   * Erases everything that belongs to one subscriber: the items that were sent to it, and the state
   * of its inbox on every node. Connected clients load the list again. Broadcasts stay; the
   * subscriber would see them as new.
   *
   * Stop sending to the subscriber first. If the call rejects with `store_unavailable`, call it
   * again. A repeated call is safe. Rejects with `subscriber_invalid` for an invalid name.
   */
  erase(subscriber: string): Promise<ErasedInbox> {
    return withExceptions(() => this.#inbox.erase(subscriber));
  }

  /** Called by Nest. `changes$` completes. */
  onApplicationShutdown(): void {
    this.#inbox.changes.complete();
  }

  #apply(subscriber: string, op: InboxOp, { items, until }: ServiceOperation): Promise<InboxResult> {
    return withExceptions(async () => {
      const { context } = this.#inbox;
      const target = typeof items === 'object' && 'upTo' in items ? items : { ids: [items].flat() };
      const openCursor = (text: string) => this.#inbox.openCursor(text);
      const request = checkOperation({ op, ...target, until }, { nowMs: context.clock.now(), openCursor });
      return this.#inbox.apply(subscriber, request);
    });
  }

  /** @throws NotificationsError `id_reused` if the first item with this id is on another topic */
  async #checkRecipient(topic: string, id: string, cursor: string): Promise<void> {
    const { store } = this.#inbox.context;
    const first = this.#inbox.openCursor(cursor);
    if (!first) return;
    const { entries, trimmed } = await store.read({
      topics: [topic],
      after: first.position - 1,
      limit: 1,
      bytesMax: 1,
    });
    if (entries[0]?.id === id || first.position <= trimmed) return;
    throw new NotificationsError('id_reused', `the id ${id} was used before for another recipient`);
  }
}

/** @throws NotificationsError `topic_invalid` or `subscriber_invalid` */
function topicOf(recipient: InboxRecipient): string {
  return typeof recipient === 'string' ? personalTopic(recipient) : checkBroadcast(recipient.topic);
}
