import { NotificationsError } from '../../core/errors.js';
import type { Draft, LogEntry } from '../../core/notification.js';
import { sharedUpTo } from '../../core/page.js';
import type { AppendResult } from '../../core/store.js';
import type { ReadContext } from '../../nest/context.js';
import { nextCompaction } from '../compaction.js';
import { inboxDraft, type OperationRecord } from '../inbox-record.js';
import {
  applyOperation,
  compacted,
  exceptionCount,
  type InboxState,
  type ItemSelection,
  withHigherWatermarks,
} from '../inbox-state.js';
import { type InboxItems, type InboxReader, ITEMS_READ_MAX } from './inbox-items.js';
import type { CurrentInbox, InboxStates } from './inbox-states.js';
import type { OperationRequest } from './operation-request.js';
import { findTarget, recordsOf, targetIn, withExceptIds } from './operation-targets.js';

/**
 * Operations between two snapshots. A state that is not cached is loaded from one snapshot and the
 * operations after it: one read of 64 records. A snapshot is larger than an operation, so snapshots
 * are written rarely.
 */
export const OPERATIONS_PER_SNAPSHOT = 48;

/**
 * The part of a record for which an operation takes one token of the rate. Records with many long
 * ids take more tokens, so the rate also limits the bytes.
 */
const TOKEN_BYTES = 4 * 1024;

/** The maximum number of items that are read to replace exceptions by watermarks. */
const REPLACED_ITEMS_MAX = 5 * ITEMS_READ_MAX;

/** The result of an operation. The counts are added later. */
export interface Applied {
  readonly state: InboxState;
  /** False if the inbox had this state already. Then nothing was appended. */
  readonly changed: boolean;
  /**
   * The ids of the operation, without unknown ones. If the operation has `upTo`, only the id of the
   * newest item.
   */
  readonly ids: readonly string[];
  readonly unknown: readonly string[];
}

export interface InboxOperationsOptions {
  readonly context: ReadContext;
  readonly items: InboxItems;
  readonly states: InboxStates;
  readonly exceptionsMax: number;
  /** Whether subscribers see broadcasts, so that they may gain older items. */
  readonly hasBroadcasts: boolean;
}

/** Takes more tokens of the rate, or throws. An operation has one token already. */
export type Charge = (tokens: number) => void;

/** One operation of a subscriber. */
export interface SubscriberOperation {
  readonly reader: InboxReader;
  /** The topic of the subscriber's records. */
  readonly records: string;
  readonly request: OperationRequest;
  /** Undefined for an operation of the application, which has no rate. */
  readonly charge?: Charge | undefined;
}

/** A snapshot to append. */
interface NewSnapshot {
  readonly records: string;
  /** The inbox that the snapshot includes. */
  readonly current: CurrentInbox;
  /** The state of the inbox, with fewer exceptions. */
  readonly state: InboxState;
  /** The records of the operation that needs the snapshot. They follow it in the log. */
  readonly drafts?: readonly Draft[];
  readonly charge?: Charge | undefined;
}

/** Applies operations: it appends records, and writes snapshots. */
export class InboxOperations {
  readonly #context: ReadContext;
  readonly #items: InboxItems;
  readonly #states: InboxStates;
  readonly #exceptionsMax: number;
  readonly #hasBroadcasts: boolean;

  constructor({ context, items, states, exceptionsMax, hasBroadcasts }: InboxOperationsOptions) {
    this.#context = context;
    this.#items = items;
    this.#states = states;
    this.#exceptionsMax = exceptionsMax;
    this.#hasBroadcasts = hasBroadcasts;
  }

  /**
   * @throws NotificationsError `cursor_invalid`, `inbox_full`, `operations_too_fast`,
   *   `store_unavailable`, or `draining` if this node has not received the newest log of the store
   */
  async apply({ reader, records, request, charge }: SubscriberOperation): Promise<Applied> {
    const { feed } = this.#context;
    const { id: epochId } = feed.window.epoch;
    const found = await findTarget(this.#items, reader, request);
    const current = await this.#states.current(records);
    // After a failover that this node has not noticed, the positions may belong to other items.
    const upTo = highestOf(found.selection);
    if (sharedUpTo(current.epoch, { epochId, upTo }) < upTo) throw feed.behindError();
    const { state } = current.inbox;
    const named = targetIn(state, found, { request, nowMs: this.#context.clock.now() });
    const target = await withExceptIds(this.#items, reader, named);
    const { ids, unknown } = target;
    const operations = recordsOf(request, target);
    const next = withOperations(state, operations);
    if (next === state) return { state, changed: false, ids, unknown };
    const drafts = operations.map((record) => inboxDraft(records, record, this.#now()));
    if (exceptionCount(next) <= this.#exceptionsMax) await this.#append(drafts, charge);
    else {
      const smaller = await this.#smaller(reader, current, operations);
      // The operation follows the snapshot in the log, so operations of other nodes apply before
      // this operation. All are in one append, so no node sees only the snapshot.
      await this.#snapshot({ records, current, state: smaller, drafts, charge });
    }
    const after = await this.#states.current(records);
    if (after.inbox.operations >= OPERATIONS_PER_SNAPSHOT) {
      const compact = compacted(after.inbox.state, after.trimmed, this.#context.clock.now());
      await this.#snapshot({ records, current: after, state: compact });
    }
    return { state: after.inbox.state, changed: true, ids, unknown };
  }

  /**
   * The current state with fewer exceptions. It does not include the operations, because a snapshot
   * must not include a record that a failover may lose.
   * @throws NotificationsError `inbox_full` if the operations still exceed the limit
   */
  async #smaller(
    reader: InboxReader,
    current: CurrentInbox,
    operations: readonly OperationRecord[],
  ): Promise<InboxState> {
    const state = compacted(current.inbox.state, current.trimmed, this.#context.clock.now());
    const newestFirst: LogEntry[] = [];
    let from = 0;
    for await (const page of this.#items.pages({ reader, before: 'latest', itemsMax: REPLACED_ITEMS_MAX })) {
      newestFirst.push(...page.entries);
      from = page.more ? page.position : 0;
    }
    const positions = newestFirst.map(({ position }) => position).reverse();
    const replaced = { positions, from, mayGainItems: this.#hasBroadcasts };
    const smaller = withHigherWatermarks(state, withOperations(state, operations), replaced);
    if (exceptionCount(withOperations(smaller, operations)) <= this.#exceptionsMax) return smaller;
    const advice = 'mark, archive or remove all items up to a cursor (upTo) instead of single ones';
    const message = `the inbox has more than ${this.#exceptionsMax} items that were changed one by one; ${advice}`;
    throw new NotificationsError('inbox_full', message);
  }

  /**
   * Appends a snapshot, and the drafts after it. Then it removes the records that an older snapshot
   * covers. Without the removal, the records of one subscriber could fill all the space that the
   * log has for records.
   */
  async #snapshot({ records, current, state, drafts = [], charge }: NewSnapshot): Promise<void> {
    const { store, clock } = this.#context;
    const { inbox } = current;
    const epochId = current.epoch.id;
    const compaction = nextCompaction(inbox.snapshot, clock.now());
    const record = { snapshot: state, upTo: inbox.upTo, epochId, ...compaction };
    const all = [inboxDraft(records, record, this.#now()), ...drafts];
    const { epoch, appended } = await this.#append(all, charge);
    const { removed: upTo } = compaction;
    // In another epoch the older snapshot may be lost.
    if (upTo === undefined || epoch.id !== epochId) return;
    // If a failover loses the new snapshot, the removal ends: the old records are needed again. If
    // the removal fails, the records stay until the next removal, which includes them.
    const needs = appended[0]?.position;
    await store.remove({ topic: records, upTo, epochId, needs }).catch(() => undefined);
  }

  #append(drafts: readonly Draft[], charge: Charge | undefined): Promise<AppendResult> {
    const tokens = drafts.map(({ json }) => Math.ceil(json.length / TOKEN_BYTES)).reduce((sum, one) => sum + one, 0);
    if (tokens > 1) charge?.(tokens - 1);
    return this.#context.store.append(drafts);
  }

  #now(): Date {
    return new Date(this.#context.clock.now());
  }
}

function highestOf(selection: ItemSelection): number {
  return 'upTo' in selection ? selection.upTo : Math.max(0, ...selection.positions);
}

function withOperations(state: InboxState, operations: readonly OperationRecord[]): InboxState {
  return operations.reduce((before, { operation }) => applyOperation(before, operation), state);
}
