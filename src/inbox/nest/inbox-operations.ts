import { NotificationsError } from '../../core/errors.js';
import type { Draft, LogEntry } from '../../core/notification.js';
import type { LogPosition } from '../../core/page.js';
import type { ReadContext } from '../../nest/context.js';
import { nextCompaction } from '../compaction.js';
import { inboxDraft } from '../inbox-record.js';
import {
  applyOperation,
  compacted,
  exceptionCount,
  type InboxOperation,
  type InboxState,
  type ItemSelection,
  itemState,
  withHigherWatermarks,
} from '../inbox-state.js';
import { type InboxItems, type InboxReader, ITEMS_READ_MAX } from './inbox-items.js';
import type { CurrentInbox, InboxStates } from './inbox-states.js';
import { foreignCursor, type OperationRequest } from './operation-request.js';

/**
 * Operations between two snapshots. A state that is not cached is loaded from one snapshot and the
 * operations after it: one read of 64 records. A snapshot is larger than an operation, so snapshots
 * are written rarely.
 */
export const OPERATIONS_PER_SNAPSHOT = 48;

/** The maximum number of items that are read to replace exceptions by watermarks. */
const REPLACED_ITEMS_MAX = 5 * ITEMS_READ_MAX;

/** The items of an operation that belong to the subscriber. */
interface Target {
  readonly selection: ItemSelection;
  readonly ids: readonly string[];
  readonly unknown: readonly string[];
}

/** The result of an operation. The counts are added later. */
export interface Applied {
  readonly state: InboxState;
  /** False if the inbox had this state already. Then nothing was appended. */
  readonly changed: boolean;
  /** The ids of the operation, without unknown ones. */
  readonly ids: readonly string[];
  readonly unknown: readonly string[];
}

export interface InboxOperationsOptions {
  readonly context: ReadContext;
  readonly items: InboxItems;
  readonly states: InboxStates;
  readonly exceptionsMax: number;
}

/** One operation of a subscriber. */
export interface SubscriberOperation {
  readonly reader: InboxReader;
  /** The topic of the subscriber's records. */
  readonly records: string;
  readonly request: OperationRequest;
}

/** A snapshot to append. */
interface NewSnapshot {
  readonly records: string;
  /** The inbox that the snapshot includes. */
  readonly current: CurrentInbox;
  /** The state of the inbox, with fewer exceptions. */
  readonly state: InboxState;
}

/** Applies operations: it finds the items, appends a record, and writes snapshots. */
export class InboxOperations {
  readonly #context: ReadContext;
  readonly #items: InboxItems;
  readonly #states: InboxStates;
  readonly #exceptionsMax: number;

  constructor({ context, items, states, exceptionsMax }: InboxOperationsOptions) {
    this.#context = context;
    this.#items = items;
    this.#states = states;
    this.#exceptionsMax = exceptionsMax;
  }

  /** @throws NotificationsError `cursor_invalid`, `inbox_full` or `store_unavailable` */
  async apply({ reader, records, request }: SubscriberOperation): Promise<Applied> {
    const target = await this.#target(reader, request);
    const current = await this.#states.current(records);
    const { selection, ids, unknown } = withoutRemoved(target, current.inbox.state);
    const operation = { op: request.op, ...selection, ...('untilMs' in request && { untilMs: request.untilMs }) };
    const { inbox } = current;
    const next = applyOperation(inbox.state, operation as InboxOperation);
    if (next === inbox.state) return { state: next, changed: false, ids, unknown };
    const record = inboxDraft(records, { operation: operation as InboxOperation, ids }, this.#now());
    if (exceptionCount(next) <= this.#exceptionsMax) await this.#context.store.append([record]);
    else {
      const state = await this.#smaller(reader, next, current.trimmed);
      // The operation follows the snapshot in the log, so operations of other nodes apply before
      // this operation. Both are in one append, so no node sees only the snapshot.
      await this.#snapshot({ records, current, state }, [record]);
    }
    const after = await this.#states.current(records);
    if (after.inbox.operations >= OPERATIONS_PER_SNAPSHOT) {
      const state = compacted(after.inbox.state, after.trimmed, this.#context.clock.now());
      await this.#snapshot({ records, current: after, state });
    }
    return { state: after.inbox.state, changed: true, ids, unknown };
  }

  /** Finds the items among the newest ones of the subscriber. Other ids are unknown. */
  async #target(reader: InboxReader, request: OperationRequest): Promise<Target> {
    if ('upTo' in request) return this.#targetUpTo(reader, request.upTo);
    const wanted = new Set(request.ids);
    let found = await this.#find(reader, wanted, 'latest');
    // Another node may have delivered the items before this node has received them.
    const end = found.size < wanted.size ? await this.#items.missing(reader.topics) : undefined;
    if (end) found = await this.#find(reader, wanted, end);
    const ids = [...wanted].filter((id) => found.has(id));
    const unknown = [...wanted].filter((id) => !found.has(id));
    return { selection: { positions: ids.map((id) => found.get(id) ?? 0) }, ids, unknown };
  }

  /** The positions of the ids that are among the newest items. */
  async #find(reader: InboxReader, wanted: ReadonlySet<string>, before: LogPosition | 'latest') {
    const found = new Map<string, number>();
    for await (const page of this.#items.pages({ reader, before })) {
      for (const { id, position } of page.entries) if (wanted.has(id)) found.set(id, position);
      if (found.size === wanted.size) break;
    }
    return found;
  }

  /** The watermark is the position of an item. The cursor itself may be at another entry. */
  async #targetUpTo(reader: InboxReader, upTo: LogPosition): Promise<Target> {
    const { entries, gap } = await this.#items.page({ reader, before: upTo, limit: 1 });
    if (gap?.reason === 'reset') throw foreignCursor();
    const [newest] = entries;
    if (!newest) return { selection: { positions: [] }, ids: [], unknown: [] };
    return { selection: { upTo: newest.position }, ids: [newest.id], unknown: [] };
  }

  /**
   * The state with fewer exceptions.
   * @throws NotificationsError `inbox_full` if it still exceeds the limit
   */
  async #smaller(reader: InboxReader, next: InboxState, trimmed: number): Promise<InboxState> {
    const state = compacted(next, trimmed, this.#context.clock.now());
    const newestFirst: LogEntry[] = [];
    let from = 0;
    for await (const page of this.#items.pages({ reader, before: 'latest', itemsMax: REPLACED_ITEMS_MAX })) {
      newestFirst.push(...page.entries);
      from = page.more ? page.position : 0;
    }
    const positions = newestFirst.map(({ position }) => position).reverse();
    const smaller = withHigherWatermarks(state, positions, from);
    if (exceptionCount(smaller) <= this.#exceptionsMax) return smaller;
    const advice = 'mark all items up to a cursor instead of single ones';
    const message = `the inbox has more than ${this.#exceptionsMax} items that were marked or snoozed one by one; ${advice}`;
    throw new NotificationsError('inbox_full', message);
  }

  /**
   * Appends a snapshot with the drafts after it. Then it removes the records that an older snapshot
   * covers. Without the removal, the records of one subscriber could fill all the space that the
   * log has for records.
   */
  async #snapshot({ records, current, state }: NewSnapshot, drafts: readonly Draft[] = []): Promise<void> {
    const { store, clock } = this.#context;
    const { inbox, epochId } = current;
    const compaction = nextCompaction(inbox.snapshot, clock.now());
    const record = { snapshot: state, upTo: inbox.upTo, ...compaction };
    const { epoch } = await store.append([inboxDraft(records, record, this.#now()), ...drafts]);
    const { removed: upTo } = compaction;
    // In another epoch the older snapshot may be lost.
    if (upTo === undefined || epoch.id !== epochId) return;
    // If the removal fails, the records stay until the next removal, which includes them.
    await store.remove({ topic: records, upTo, epochId }).catch(() => undefined);
  }

  #now(): Date {
    return new Date(this.#context.clock.now());
  }
}

/** A removed item is unknown, because no list has it any more. */
function withoutRemoved(target: Target, state: InboxState): Target {
  const { selection, ids, unknown } = target;
  if (!('positions' in selection)) return target;
  const isKept = (index: number): boolean => !itemState(state, selection.positions[index] ?? 0).removed;
  return {
    selection: { positions: selection.positions.filter((_, index) => isKept(index)) },
    ids: ids.filter((_, index) => isKept(index)),
    unknown: [...unknown, ...ids.filter((_, index) => !isKept(index))],
  };
}
