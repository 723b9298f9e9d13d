import type { Notification } from '../../core/notification.js';
import type { InboxCounts } from '../../inbox/inbox-counts.js';
import type { InboxOp } from '../../inbox/nest/operation-request.js';
import { callSafely } from '../call-safely.js';
import { type Environment, runtime } from '../environment.js';
import { adjustedCounts, NO_COUNTS } from './counts.js';
import { idOf, isSnoozed, type KnownItems, listed, withChange } from './item-list.js';
import { handled, ITEMS_MAX, LiveList } from './live-list.js';
import { type Operation, OPERATION_IDS_MAX, OperationQueue } from './operation-queue.js';
import type { InboxFilter, InboxItem, InboxOptions, InboxSnapshot, InboxTarget, MarkAllOptions } from './types.js';

/** The server's limit for the types of one operation. */
const OPERATION_TYPES_MAX = 20;

/** The snapshot of an inbox that has no listener and no items. */
export const EMPTY: InboxSnapshot<never> = {
  items: [],
  counts: NO_COUNTS,
  status: 'idle',
  error: undefined,
  more: false,
  pending: 0,
  cursor: undefined,
};

/**
 * The client of an inbox, for a bell with a list of notifications. It loads a page, follows the
 * live feed from there, and sends operations.
 *
 * The inbox is connected while it has a listener. The effect of an operation appears at once. The
 * client repeats an operation until the server has acknowledged it, in the order of the calls. If
 * the server rejects an operation, its effect disappears and its promise rejects with a
 * `FeedError`. A caller may ignore the promise: `snapshot.error` has the error too.
 */
export class Inbox<N extends object = Notification> {
  readonly #queue: OperationQueue;
  readonly #live: LiveList<N>;
  readonly #signal: AbortSignal | undefined;
  readonly #listeners = new Set<() => void>();
  #isClosed = false;
  #error: unknown;
  #snapshot: InboxSnapshot<N> = EMPTY;
  /** The items of the current snapshot, and hidden items. */
  #known: KnownItems<N> = [];

  constructor(options: InboxOptions, environment: Environment = runtime) {
    const changed = (): void => this.#publish();
    const refused = (error: unknown): void => this.#end(error);
    this.#queue = new OperationQueue(options, environment, {
      changed,
      acknowledged: () => {
        this.#error = undefined;
        return this.#live.isFollowing;
      },
      apply: (change) => this.#live.apply(change),
      rejected: (error) => (this.#error = error),
      refused,
    });
    this.#live = new LiveList(options, environment, {
      changed,
      pageRequested: () => this.#queue.pageRequested(),
      loaded: () => {
        this.#error = undefined;
        this.#queue.loaded();
      },
      received: (changes) => this.#queue.received(changes),
      refused,
    });
    this.#signal = options.signal;
    if (options.signal?.aborted) this.close();
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  /** The current content. The same object until something changes. */
  get snapshot(): InboxSnapshot<N> {
    return this.#snapshot;
  }

  /** The items of the current snapshot. */
  get items(): readonly InboxItem<N>[] {
    return this.#snapshot.items;
  }

  /** The counts of the current snapshot. */
  get counts(): InboxCounts {
    return this.#snapshot.counts;
  }

  /** The status of the current snapshot. */
  get status(): InboxSnapshot['status'] {
    return this.#snapshot.status;
  }

  /**
   * Calls the listener after each change of the snapshot. The first listener starts the
   * connection; without listeners the inbox is idle. Returns the function that removes the
   * listener.
   */
  subscribe(listener: () => void): () => void {
    // The same function may be added twice.
    const own = (): void => listener();
    if (!this.#isClosed) {
      this.#listeners.add(own);
      this.#queue.start();
      this.#live.start();
    }
    return () => {
      this.#listeners.delete(own);
      // When one page replaces another, the last listener is removed just before the next one is
      // added.
      queueMicrotask(() => {
        if (this.#listeners.size === 0) this.#live.stop();
      });
    };
  }

  /**
   * Loads the next older page. Does nothing if there is none, or if the list has 1,000 items.
   * @throws FeedError if the page cannot be read; a later call may succeed
   */
  loadOlder(): Promise<void> {
    return this.#live.loadOlder();
  }

  /**
   * Loads the list again. Resolves when it is loaded.
   * @throws FeedError if the server refuses the request; the inbox is then closed
   */
  reload(): Promise<void> {
    return this.#live.reload();
  }

  /**
   * Lists another part of the inbox. Resolves when it is loaded.
   * @throws FeedError if the server refuses the request; the inbox is then closed
   */
  filter(filter: InboxFilter): Promise<void> {
    return this.#live.setFilter(filter);
  }

  /** Marks items as shown. */
  markSeen(target: InboxTarget): Promise<void> {
    return this.#operate('seen', target);
  }

  /** Marks items as read. A read item also counts as shown. */
  markRead(target: InboxTarget): Promise<void> {
    return this.#operate('read', target);
  }

  /** Marks items as unread. */
  markUnread(target: InboxTarget): Promise<void> {
    return this.#operate('unread', target);
  }

  /** Moves items to the archive. */
  archive(target: InboxTarget): Promise<void> {
    return this.#operate('archive', target);
  }

  /** Moves items back from the archive. */
  unarchive(target: InboxTarget): Promise<void> {
    return this.#operate('unarchive', target);
  }

  /** Hides items until a time. Then they appear again as unread items. */
  snooze(target: InboxTarget, until: Date): Promise<void> {
    return this.#operate('snooze', target, until);
  }

  /** Shows snoozed items again now. */
  unsnooze(target: InboxTarget): Promise<void> {
    return this.#operate('unsnooze', target);
  }

  /** Removes items from all lists permanently. */
  remove(target: InboxTarget): Promise<void> {
    return this.#operate('remove', target);
  }

  /**
   * Marks all items as shown, also items that are not loaded or that the filter hides.
   * @param shown the snapshot that the user has seen. Items that arrived after it do not change.
   */
  markAllSeen(shown: InboxSnapshot<N> = this.#snapshot, options?: MarkAllOptions): Promise<void> {
    return this.#operateOnAll('seen', shown, options);
  }

  /**
   * Marks all items as read, also items that are not loaded or that the filter hides.
   * @param shown the snapshot that the user has seen. Items that arrived after it stay unread.
   */
  markAllRead(shown: InboxSnapshot<N> = this.#snapshot, options?: MarkAllOptions): Promise<void> {
    return this.#operateOnAll('read', shown, options);
  }

  /**
   * Moves all items to the archive, also items that are not loaded or that the filter hides.
   * @param shown the snapshot that the user has seen. Items that arrived after it stay.
   */
  archiveAll(shown: InboxSnapshot<N> = this.#snapshot, options?: MarkAllOptions): Promise<void> {
    return this.#operateOnAll('archive', shown, options);
  }

  /**
   * Ends the inbox: it aborts its requests and clears its timers. Operations that the server has
   * not acknowledged reject with the code `closed`. The operations stay in the store that the
   * option `queue` sets.
   */
  close(): void {
    this.#end(undefined);
  }

  readonly #onAbort = (): void => this.close();

  #operate(op: InboxOp, target: InboxTarget, until?: Date): Promise<void> {
    const ids = [
      ...new Set([target].flat().map((one) => (typeof one === 'string' ? one : idOf(one as InboxItem<object>)))),
    ];
    const end = until && { until: until.toISOString() };
    return this.#addAll(partsOf(ids, OPERATION_IDS_MAX).map((part) => ({ op, ids: part, ...end })));
  }

  #operateOnAll(op: InboxOp, { cursor, items }: InboxSnapshot<N>, { types }: MarkAllOptions = {}): Promise<void> {
    if (cursor === undefined) return Promise.resolve();
    const [newest] = items;
    const except = this.#known.filter(isSnoozed).map(idOf);
    const all = {
      ...{ op, upTo: cursor },
      ...(newest && { newest: idOf(newest) }),
      ...(except.length > 0 && { except }),
    };
    const parts = types && partsOf([...new Set(types)], OPERATION_TYPES_MAX);
    return this.#addAll(parts?.map((type) => ({ ...all, type })) ?? [all]);
  }

  #addAll(operations: readonly Operation[]): Promise<void> {
    const added = operations.map((operation) => handled(this.#queue.add(operation)));
    return handled(Promise.all(added).then(() => undefined));
  }

  #end(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#live.close();
    this.#queue.close();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#error = error ?? this.#error;
    this.#publish();
    this.#listeners.clear();
  }

  #publish(): void {
    const { items = [], counts = NO_COUNTS, more = false, follow } = this.#live.list ?? {};
    const { changes, pending } = this.#queue;
    const after = (this.#known = changes.reduce(withChange<N>, items));
    this.#snapshot = {
      items: listed(after, this.#live.filter),
      counts: adjustedCounts(counts, { before: items, after, changes }),
      status: this.#live.status,
      error: this.#error,
      more: more && items.length < ITEMS_MAX,
      pending,
      cursor: follow,
    };
    for (const listener of this.#listeners) callSafely(listener);
  }
}

function partsOf(all: readonly string[], length: number): string[][] {
  return Array.from({ length: Math.ceil(all.length / length) }, (_, index) =>
    all.slice(index * length, (index + 1) * length),
  );
}
