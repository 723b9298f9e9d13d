import { Subject } from 'rxjs';
import { NotificationsError } from '../../core/errors.js';
import { checkType } from '../../core/names.js';
import type { ClientRead } from '../../core/feed-request.js';
import type { HistorySource } from '../../core/history-page.js';
import type { HistoryReads } from '../../core/history-reads.js';
import type { LogEntry } from '../../core/notification.js';
import type { LogPosition } from '../../core/page.js';
import type { Rights } from '../../core/rights.js';
import type { ReadContext } from '../../nest/context.js';
import type { InboxReaderStory } from '../../nest/explaining/insight.js';
import type { InboxCounts } from '../inbox-counts.js';
import { inboxDraft } from '../inbox-record.js';
import { itemState } from '../inbox-state.js';
import { InboxEvents } from './inbox-events.js';
import { InboxItems, type InboxReader, ITEMS_PER_READ } from './inbox-items.js';
import { type InboxStatus, STATUSES } from './inbox-item.js';
import { InboxLists, type ListedPage, type ListRequest } from './inbox-lists.js';
import { InboxRights } from './inbox-rights.js';
import { type Charge, InboxOperations } from './inbox-operations.js';
import type { InboxOptions, InboxSettings } from './inbox-options.js';
import { InboxStates } from './inbox-states.js';
import { inboxStory } from './inbox-story.js';
import { checkBroadcast, type InboxTopics, personalTopic, recordsTopic } from './inbox-topics.js';
import { LatestRead } from './latest-read.js';
import type { InboxOp, OperationRequest } from './operation-request.js';
import type { RecordObserver } from './record-observer.js';

/** A part of an inbox to list. */
export interface InboxListRequest {
  /** The items of the list. @default 'inbox': all except archived, snoozed and removed ones */
  readonly status?: InboxStatus | undefined;
  /** Only items of this type, or of these types. @default all types */
  readonly type?: string | readonly string[] | undefined;
  /** The cursor of a page: the list continues with older items. @default the newest items */
  readonly before?: string | undefined;
  /** Items per page. @default the option `poll.limit` */
  readonly limit?: number | undefined;
}

/** The result of an operation. */
export interface InboxResult {
  /** False if the inbox had this state already. */
  readonly changed: boolean;
  /**
   * Ids that are not among the newest 1,000 items of the subscriber, or that were removed. They
   * changed nothing.
   */
  readonly unknown: readonly string[];
  /** The counts after the operation. */
  readonly counts: InboxCounts;
}

/** The result of an erasure. */
export interface ErasedInbox {
  /** The subscriber's own items that this call has removed, and retractions of such items. */
  readonly items: number;
  /** The records of the state that this call has removed. */
  readonly records: number;
}

/** One operation that was performed through this node. */
export interface PerformedOperation {
  readonly subscriber: string;
  readonly op: InboxOp;
  /**
   * The ids of the items. If `upTo` is true, the id of the newest item: the operation also applies
   * to all older items that are not snoozed.
   */
  readonly ids: readonly string[];
  readonly upTo: boolean;
}

/** The caller of a request over HTTP. */
export interface InboxCaller extends Pick<ClientRead, 'address' | 'revocations'> {
  readonly charge?: Charge | undefined;
}

export interface InboxParts {
  readonly context: ReadContext;
  readonly options: InboxOptions;
  readonly settings: InboxSettings;
  readonly observer: RecordObserver;
}

/** The inboxes of a feed, for the service and the controller. */
export class Inbox {
  readonly context: ReadContext;
  readonly settings: InboxSettings;
  readonly events: InboxEvents;
  readonly changes = new Subject<PerformedOperation>();
  readonly #topics: InboxOptions['topics'];
  readonly #items: InboxItems;
  readonly #storeEnd: LatestRead<LogPosition>;
  readonly #states: InboxStates;
  readonly #lists: InboxLists;
  readonly #operations: InboxOperations;

  constructor({ context, options, settings, observer }: InboxParts) {
    const { store, feed } = context;
    const items = new InboxItems(context);
    const states = new InboxStates({ store, epochId: () => feed.window.epoch.id, bytesMax: settings.cache.bytes });
    const lists = new InboxLists(context, items, settings.counts.cap);
    const { exceptionsMax } = settings.operations;
    observer.onRecord = (entry) => {
      states.add(entry);
    };
    this.context = context;
    this.settings = settings;
    this.#topics = options.topics;
    this.#items = items;
    this.#storeEnd = new LatestRead(() => items.storeEnd());
    this.#states = states;
    this.#lists = lists;
    this.events = new InboxEvents({ context, states, lists });
    const hasBroadcasts = options.topics !== undefined;
    this.#operations = new InboxOperations({ context, items, states, exceptionsMax, hasBroadcasts });
    context.insight.useInbox({
      memory: () => states.memory(),
      readerOf: (entry, subscriber) => this.#storyOf(entry, subscriber),
    });
  }

  /** @throws NotificationsError if the option `topics` returns an invalid topic, or too many */
  async topicsOf(subscriber: string): Promise<InboxTopics> {
    const { topicsMax } = this.context.settings.limits;
    const broadcasts = [...new Set(await this.#topics?.(subscriber))].map(checkBroadcast);
    // Two more topics: the subscriber's own items and records.
    if (broadcasts.length + 2 > topicsMax) {
      const message = `${broadcasts.length} broadcasts for one subscriber, at most ${topicsMax - 2} are allowed`;
      throw new NotificationsError('topics_too_many', message);
    }
    return { personal: personalTopic(subscriber), records: recordsTopic(subscriber), broadcasts };
  }

  rightsOf(subscriber: string, topics: InboxTopics): Rights {
    return new InboxRights(topics, () => this.#topics?.(subscriber) ?? []);
  }

  /**
   * Begins the reads for one answer to a client. They have one slot for all reads.
   * @throws NotificationsError if the request is rejected
   */
  readsOf(subscriber: string, topics: InboxTopics, { address, revocations }: InboxCaller): HistoryReads {
    const reader = { topics: itemTopics(topics), subscriber, address, revocations };
    return this.context.feed.historyReads({ ...reader, limit: ITEMS_PER_READ });
  }

  async list(request: ListRequest, { records }: InboxTopics): Promise<ListedPage> {
    const { epoch, head } = this.context.feed.window;
    // The end is fixed before the state is read. A device that follows from there receives every
    // operation that the state lacks.
    const before = request.before === 'latest' ? { epochId: epoch.id, position: head } : request.before;
    const { inbox } = await this.#states.current(records);
    return this.#lists.list({ ...request, before }, inbox.state);
  }

  /**
   * Rejects if this node has not received all notifications of these topics that the store holds.
   * @throws NotificationsError `draining`
   */
  async checkReceived(topics: readonly string[]): Promise<void> {
    const { position, epochId } = await this.#storeEnd.read();
    const { epoch, head } = this.context.feed.window;
    if (epochId !== epoch.id || position <= head) return;
    if (await this.#items.missing(topics)) throw this.context.feed.behindError();
  }

  async counts(subscriber: string): Promise<InboxCounts> {
    const topics = await this.topicsOf(subscriber);
    const { inbox } = await this.#states.current(topics.records);
    return this.#lists.counts(readerOf(topics, this.context.feed), inbox.state);
  }

  /** @param caller - undefined for a call of the application, which has no limits per caller */
  async apply(subscriber: string, request: OperationRequest, caller?: InboxCaller): Promise<InboxResult> {
    const topics = await this.topicsOf(subscriber);
    const reads = caller && this.readsOf(subscriber, topics, caller);
    try {
      const reader = readerOf(topics, reads ?? this.context.feed);
      const { charge } = caller ?? {};
      const applied = await this.#operations.apply({ reader, records: topics.records, request, charge });
      const { changed, ids, unknown, state } = applied;
      this.context.observers.performed({ capability: 'inbox', operation: request.op });
      const upTo = 'upTo' in request && request.types === undefined;
      if (changed) this.changes.next({ subscriber, op: request.op, ids: [...new Set(ids)], upTo });
      return { changed, unknown, counts: await this.#lists.counts(reader, state) };
    } finally {
      reads?.close();
    }
  }

  /**
   * Erases the items and the records of a subscriber. A new record makes all nodes and connected
   * clients drop the old state.
   */
  async erase(subscriber: string): Promise<ErasedInbox> {
    const [personal, records] = [personalTopic(subscriber), recordsTopic(subscriber)];
    const { feed, store, clock, insight } = this.context;
    const erased = await feed.erase([personal, records]);
    insight.forgetSubscriber(subscriber);
    await store.append([inboxDraft(records, 'erased', new Date(clock.now()))]);
    const countOf = (name: string): number => erased.find(({ topic }) => topic === name)?.count ?? 0;
    return { items: countOf(personal), records: countOf(records) };
  }

  /**
   * Checks a list request.
   * @throws NotificationsError `status_invalid`, `type_invalid`, `limit_invalid` or
   *   `before_invalid`
   */
  checkList(given: InboxListRequest): Omit<ListRequest, 'reader'> {
    const { poll } = this.context.settings;
    const { status = 'inbox', type, before, limit = poll.limit } = given;
    if (!STATUSES.includes(status)) {
      throw new NotificationsError('status_invalid', `status must be one of ${STATUSES.join(', ')}`);
    }
    if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= poll.limitMax)) {
      throw new NotificationsError('limit_invalid', `limit must be a whole number from 1 to ${poll.limitMax}`);
    }
    const position = before === undefined || before === 'latest' ? 'latest' : this.openCursor(before);
    if (!position) throw new NotificationsError('before_invalid', 'before is not a cursor of this inbox');
    const types = type === undefined ? undefined : [type].flat().map(checkType);
    return { filter: { status, types }, before: position, limit };
  }

  /** Explains one item of a subscriber. */
  async #storyOf(entry: LogEntry, subscriber: string): Promise<InboxReaderStory> {
    const topics = await this.topicsOf(subscriber);
    const isAllowed = entry.topic === topics.personal || topics.broadcasts.includes(entry.topic);
    const { inbox } = await this.#states.current(topics.records);
    return inboxStory(itemState(inbox.state, entry.position), isAllowed);
  }

  openCursor(text: string): LogPosition | undefined {
    return this.context.cursors.open(text, this.context.feed.window.epoch);
  }
}

/** @param source - the reads of a request, or the feed for the reads of this node */
export function readerOf(topics: InboxTopics, source: HistorySource): InboxReader {
  return { topics: itemTopics(topics), source };
}

function itemTopics({ personal, broadcasts }: InboxTopics): readonly string[] {
  return [personal, ...broadcasts].sort();
}
