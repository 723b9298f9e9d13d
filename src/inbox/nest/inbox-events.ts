import type { Gap } from '../../core/gap.js';
import type { LogEntry } from '../../core/notification.js';
import type { Start } from '../../core/feed-request.js';
import { type LogPage, sharedUpTo } from '../../core/page.js';
import { type Retraction, retractionsIn } from '../../core/retraction.js';
import { pageToSse } from '../../wire/sse.js';
import type { ReadContext } from '../../nest/context.js';
import type { Compaction } from '../compaction.js';
import type { InboxCounts } from '../inbox-counts.js';
import { type InboxRecord, inboxRecordOf } from '../inbox-record.js';
import { itemState } from '../inbox-state.js';
import { type InboxItem, itemOf } from './inbox-item.js';
import { type InboxReader, typeOf } from './inbox-items.js';
import type { InboxLists } from './inbox-lists.js';
import type { InboxStates } from './inbox-states.js';
import type { InboxOp } from './operation-request.js';
import { RECORDS } from './inbox-topics.js';

/** An operation of any device of the subscriber. */
export interface InboxChange {
  readonly op: InboxOp;
  /** The ids of the items. Undefined if `upTo` is set. */
  readonly ids?: readonly string[] | undefined;
  /** The id of the newest item. The change also applies to all older items. */
  readonly upTo?: string | undefined;
  /** With `upTo`: the ids of older items that did not change, because they were snoozed. */
  readonly except?: readonly string[] | undefined;
  /** The operation was "mark all" for these types. `ids` has the items that it changed. */
  readonly types?: readonly string[] | undefined;
  /** Until when a snoozed item is hidden: an RFC 3339 timestamp in UTC. */
  readonly until?: string | undefined;
}

/**
 * New items, operations and retractions: the body of a long poll, or the data of one event of a
 * stream. A client applies `changes` first, then `retracted`, then `items`.
 */
export interface InboxEvent {
  /** New items, in the order of the log. They have the state after the operations. */
  readonly items: readonly InboxItem[];
  /** Operations, in the order of the log. */
  readonly changes: readonly InboxChange[];
  /** Items that the application has taken back. Undefined if there are none. */
  readonly retracted?: readonly Retraction[] | undefined;
  /** Undefined if there are neither new items, changes nor retractions. */
  readonly counts?: InboxCounts | undefined;
  readonly gap?: Gap | undefined;
}

export interface InboxEventsOptions {
  readonly context: ReadContext;
  readonly states: InboxStates;
  readonly lists: InboxLists;
}

/** The reader of a live feed, and the topic of the subscriber's records. */
export interface LiveReader {
  readonly reader: InboxReader;
  readonly records: string;
}

/** A page of the live feed, and the position after which it was read. */
export interface LivePage {
  readonly page: LogPage;
  readonly after: Start;
}

/** Makes the events of live readers. Records of the log are never sent as they are. */
export class InboxEvents {
  readonly #context: ReadContext;
  readonly #states: InboxStates;
  readonly #lists: InboxLists;

  constructor({ context, states, lists }: InboxEventsOptions) {
    this.#context = context;
    this.#states = states;
    this.#lists = lists;
  }

  async of(live: LivePage, { reader, records }: LiveReader): Promise<InboxEvent> {
    const { entries, gap: missed } = live.page;
    if (entries.length === 0) return { items: [], changes: [], ...(missed && { gap: missed }) };
    const inboxRecords = entries.flatMap((entry) => recordOf(entry) ?? []);
    const { state, snapshot } = await this.#states.received(records);
    const gap = missed ?? gapOf(live, inboxRecords, snapshot);
    const items = entries
      .filter((entry) => !isRecord(entry))
      .map((entry) => ({ entry, item: itemState(state, entry.position) }))
      .filter(({ item }) => !item.removed)
      .map(({ entry, item }) => itemOf(entry, item));
    const retracted = retractionsIn(entries);
    const counts = await this.#lists.counts(reader, state);
    return {
      items,
      changes: inboxRecords.flatMap(changeOf),
      ...(retracted.length > 0 && { retracted }),
      counts,
      ...(gap && { gap }),
    };
  }

  /** The blocks of an event stream. */
  async blocks(live: LivePage, reader: LiveReader): Promise<string> {
    const { cursors, encoder } = this.#context;
    const { page } = live;
    const { epoch, entries } = page;
    const { gap: missed, ...event } = await this.of(live, reader);
    const [first] = entries;
    const cursor = encoder.cursor(page);
    // If the stream ends right after the gap, the client resumes with the first notification of
    // this page.
    const gapCursor = first ? cursors.sealStable(epoch, first.position, 'before') : cursor;
    const ids = { after: () => cursor, before: () => gapCursor, end: () => gapCursor };
    const gap = pageToSse({ ...page, entries: [], ...(missed && { gap: missed }) }, ids);
    return first ? `${gap}data: ${JSON.stringify(event)}\nid: ${cursor}\n\n` : gap;
  }
}

/**
 * The gap of a page. Old operations are removed after a snapshot has replaced them, and an erasure
 * removes all. The client may have missed them, so it loads the list again. The page may end before
 * the newest snapshot, so the state of the inbox says what was removed.
 */
function gapOf({ page, after }: LivePage, records: readonly InboxRecord[], snapshot?: Compaction): Gap | undefined {
  const onPage = records.map((record) => ('operation' in record ? 0 : (record.removed ?? 0)));
  const removed = Math.max(snapshot?.removed ?? 0, ...onPage);
  if (removed === 0) return undefined;
  const from = after === 'earliest' ? 0 : sharedUpTo(page.epoch, { epochId: after.epochId, upTo: after.position });
  return from < removed ? { reason: 'expired' } : undefined;
}

/** True for each entry that the library wrote for itself, on any topic. */
function isRecord(entry: LogEntry): boolean {
  return entry.topic.startsWith(RECORDS) || typeOf(entry).startsWith('$');
}

function recordOf(entry: LogEntry): InboxRecord | undefined {
  return entry.topic.startsWith(RECORDS) ? inboxRecordOf(entry) : undefined;
}

function changeOf(record: InboxRecord): readonly InboxChange[] {
  if (!('operation' in record)) return [];
  const { operation, ids, exceptIds, types } = record;
  const { op } = operation;
  if ('upTo' in operation) return [{ op, upTo: ids[0], ...(exceptIds && { except: exceptIds }) }];
  const until = 'untilMs' in operation && { until: new Date(operation.untilMs).toISOString() };
  return [{ op, ids, ...(types && { types }), ...until }];
}
