import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type LogEntry, logEntry } from '../../src/core/notification.js';
import type { Epoch } from '../../src/core/store.js';
import { EMPTY_INBOX, type FoldedInbox, loadInbox, type ReadRecords, withRecords } from '../../src/inbox/inbox-fold.js';
import { inboxDraft, type InboxRecord, inboxRecordOf } from '../../src/inbox/inbox-record.js';
import {
  applyOperation,
  compacted,
  exceptionCount,
  type InboxOperation,
  itemState,
  NEW_INBOX,
  withHigherWatermarks,
} from '../../src/inbox/inbox-state.js';
import { modelOf } from '../support/inbox-model.js';

const TOPIC = '$inbox.0123';
const TIME = new Date('2026-11-29T09:00:00.000Z');
/** Positions of items. Records use odd positions, items use even ones, as they share one log. */
const ITEMS = [2, 4, 6, 8, 10, 12];

const position = fc.constantFrom(...ITEMS);
const positions = fc.uniqueArray(position, { minLength: 1, maxLength: 4 });
const operation: fc.Arbitrary<InboxOperation> = fc.oneof(
  fc.record({ op: fc.constantFrom('seen', 'read', 'archive', 'remove'), positions }),
  fc.record({ op: fc.constantFrom('seen', 'read', 'archive', 'remove'), upTo: position }),
  fc.record({
    op: fc.constantFrom('seen', 'read', 'archive', 'remove'),
    upTo: position,
    except: positions,
  }),
  fc.record({ op: fc.constantFrom('unread', 'unarchive', 'unsnooze'), positions }),
  fc.record({ op: fc.constant('snooze' as const), positions, untilMs: fc.constantFrom(1_000, 2_000) }),
);

function entryOf(record: InboxRecord, at: number): LogEntry {
  return logEntry(at, inboxDraft(TOPIC, record, TIME));
}

const operationText = (data: object) => ({ type: 'inbox.operation', data: { ids: [], ...data } });
const NO_FLAGS = { seen: [0], read: [0], archived: [0], removed: [0], snoozed: [] };
const EPOCH: Epoch = { id: 'epoch 1', secret: '' };
const snapshotRecord = (data: object) => ({ type: 'inbox.snapshot', data: { upTo: 2, ...NO_FLAGS, ...data } });

/** The state of a node that has received each record. It needs no snapshot. */
function folded(inbox: FoldedInbox, entry: LogEntry): FoldedInbox {
  return withRecords(inbox, [entry]) ?? { ...inbox, upTo: Math.max(inbox.upTo, entry.position) };
}

/** Reads records newest first, in pages. */
function reader(records: readonly LogEntry[], limit: number, epoch: Epoch = EPOCH): ReadRecords & { reads: number } {
  const read: ReadRecords & { reads: number } = Object.assign(
    (before: number) => {
      read.reads++;
      const older = records.filter((entry) => entry.position < before).toReversed();
      return Promise.resolve({ entries: older.slice(0, limit), more: older.length > limit, epoch });
    },
    { reads: 0 },
  );
  return read;
}

describe('the state of an inbox', () => {
  test('equals a model that keeps the state of each item', () => {
    const check = (operations: readonly InboxOperation[]) => {
      const state = operations.reduce(applyOperation, NEW_INBOX);
      for (const item of ITEMS) expect(itemState(state, item)).toEqual(modelOf(item, operations));
    };
    fc.assert(fc.property(fc.array(operation, { maxLength: 30 }), check), { numRuns: 500 });
  });

  test('an item that arrives after "mark all" was clicked stays unread', () => {
    const state = applyOperation(NEW_INBOX, { op: 'read', upTo: 8 });
    expect(itemState(state, 8).read).toBe(true);
    expect(itemState(state, 10).read).toBe(false);
  });

  test('an older "mark all" that arrives late changes no newer item', () => {
    const newer = applyOperation(applyOperation(NEW_INBOX, { op: 'read', upTo: 8 }), { op: 'unread', positions: [6] });
    const state = applyOperation(newer, { op: 'read', upTo: 4 });
    expect(itemState(state, 6).read).toBe(false);
    expect(itemState(state, 8).read).toBe(true);
  });
});

describe('"mark all"', () => {
  const snoozed = applyOperation(NEW_INBOX, { op: 'snooze', positions: [4, 10], untilMs: 2_000 });

  test.each(['seen', 'read', 'archive', 'remove'] as const)('does not change the items of `except`: %s', (op) => {
    const state = applyOperation(snoozed, { op, upTo: 8, except: [4, 10] });
    for (const item of [4, 10]) expect(itemState(state, item)).toEqual(itemState(snoozed, item));
    for (const item of [2, 6, 8]) expect(itemState(state, item)).not.toEqual(itemState(snoozed, item));
    expect(applyOperation(state, { op, upTo: 8 })).toEqual(applyOperation(snoozed, { op, upTo: 8 }));
  });

  test('of an old record, which has no `except`, changes all items', () => {
    const state = applyOperation(snoozed, { op: 'read', upTo: 8 });
    expect(itemState(state, 4).read).toBe(true);
  });
});

describe('an operation without an effect', () => {
  test('returns the same state, so it needs no record', () => {
    const check = (operations: readonly InboxOperation[]) => {
      const state = operations.reduce(applyOperation, NEW_INBOX);
      const last = operations.at(-1);
      if (last) expect(applyOperation(state, last)).toBe(state);
    };
    fc.assert(fc.property(fc.array(operation, { maxLength: 20 }), check), { numRuns: 500 });
  });

  test.each<InboxOperation>([
    { op: 'unread', positions: [2] },
    { op: 'unarchive', positions: [2] },
    { op: 'unsnooze', positions: [2] },
    { op: 'read', upTo: 0 },
  ])('is %j in a new inbox', (change) => {
    expect(applyOperation(NEW_INBOX, change)).toBe(NEW_INBOX);
  });

  test('an item that is named twice changes once', () => {
    const state = applyOperation(NEW_INBOX, { op: 'read', positions: [2, 2] });
    expect(itemState(state, 2).read).toBe(true);
  });
});

describe('a state with fewer exceptions', () => {
  test('has the same state of each item, and not more exceptions', () => {
    const check = (operations: readonly InboxOperation[], from: number) => {
      const state = operations.reduce(applyOperation, NEW_INBOX);
      const positions = ITEMS.filter((item) => item > from);
      const higher = withHigherWatermarks(state, state, { positions, from, mayGainItems: false });
      for (const item of ITEMS) expect(itemState(higher, item)).toEqual(itemState(state, item));
      expect(exceptionCount(higher)).toBeLessThanOrEqual(exceptionCount(state));
    };
    fc.assert(fc.property(fc.array(operation, { maxLength: 30 }), fc.constantFrom(0, 4, 8), check), { numRuns: 500 });
  });

  test('has none if all items were read one by one', () => {
    const state = ITEMS.reduce((last, item) => applyOperation(last, { op: 'read', positions: [item] }), NEW_INBOX);
    expect(exceptionCount(state)).toBe(2 * ITEMS.length);
    expect(withHigherWatermarks(state, state, { positions: ITEMS, from: 0, mayGainItems: false })).toEqual(
      applyOperation(NEW_INBOX, { op: 'read', upTo: 12 }),
    );
  });

  test('gets the watermarks for the next operation, but does not include the operation', () => {
    const state = applyOperation(NEW_INBOX, { op: 'read', positions: [2, 6, 10] });
    const next = applyOperation(state, { op: 'read', positions: [4, 8] });
    const higher = withHigherWatermarks(state, next, { positions: ITEMS, from: 0, mayGainItems: false });
    for (const item of ITEMS) expect(itemState(higher, item)).toEqual(itemState(state, item));
    expect(exceptionCount(applyOperation(higher, { op: 'read', positions: [4, 8] }))).toBe(0);
  });

  test('keeps the other items of archived and removed, if the subscriber may gain them', () => {
    const ops = ['seen', 'read', 'archive', 'remove'] as const;
    const state = ops.reduce((last, op) => applyOperation(last, { op, positions: [4, 8, 12] }), NEW_INBOX);
    const higher = withHigherWatermarks(state, state, { positions: [4, 8, 12], from: 0, mayGainItems: true });
    expect(itemState(higher, 6)).toMatchObject({ seen: true, read: true, archived: false, removed: false });
  });

  test('keeps the exceptions of flags whose items are not all known', () => {
    const state = applyOperation(NEW_INBOX, { op: 'read', positions: [10, 12] });
    expect(withHigherWatermarks(state, state, { positions: [10, 12], from: 8, mayGainItems: false })).toEqual(state);
  });

  test('has no entries for removed items and past times', () => {
    const operations: InboxOperation[] = [
      { op: 'read', positions: [2, 8] },
      { op: 'snooze', positions: [4, 10, 12], untilMs: 2_000 },
      { op: 'snooze', positions: [12], untilMs: 1_000 },
    ];
    const state = compacted(operations.reduce(applyOperation, NEW_INBOX), 4, 1_000);
    expect([...state.read.exceptions]).toEqual([8]);
    expect([...state.snoozed]).toEqual([[10, 2_000]]);
  });
});

describe('the records of an inbox', () => {
  test('have the same operation after a round trip through JSON', () => {
    const check = (written: InboxOperation, ids: readonly string[]) => {
      const record = { operation: written, ids };
      expect(inboxRecordOf(entryOf(record, 1))).toEqual(record);
    };
    fc.assert(fc.property(operation, fc.array(fc.string(), { maxLength: 4 }), check));
  });

  test('have the same snapshot after a round trip through JSON', () => {
    const check = (operations: readonly InboxOperation[]) => {
      const record = { snapshot: operations.reduce(applyOperation, NEW_INBOX), upTo: 7, epochId: 'epoch 1' };
      expect(inboxRecordOf(entryOf(record, 9))).toEqual({ ...record, timeMs: TIME.getTime() });
    };
    fc.assert(fc.property(fc.array(operation, { maxLength: 30 }), check));
  });

  test.each([
    ['an unknown type', { type: 'inbox.other', data: {} }],
    ['no data', { type: 'inbox.operation', data: null }],
    ['an unknown operation', operationText({ op: 'burn', positions: [2] })],
    ['both kinds of selection', operationText({ op: 'read', positions: [2], upTo: 2 })],
    ['neither kind of selection', operationText({ op: 'read' })],
    ['a position that is not a number', operationText({ op: 'read', positions: ['2'] })],
    ['a negative position', operationText({ op: 'read', upTo: -1 })],
    ['an exception that is not a number', operationText({ op: 'read', upTo: 2, except: ['2'] })],
    ['a watermark for an operation without one', operationText({ op: 'unread', upTo: 2 })],
    ['a missing time', operationText({ op: 'snooze', positions: [2] })],
    ['too many items', operationText({ op: 'read', positions: Array<number>(101).fill(2) })],
    ['too many ids', operationText({ op: 'read', positions: [2], ids: Array<string>(101).fill('a') })],
    ['an id that is not a string', operationText({ op: 'read', positions: [2], ids: [2] })],
    ['a snapshot without flags', { type: 'inbox.snapshot', data: { upTo: 2 } }],
    ['a flag without a watermark', snapshotRecord({ read: [] })],
    ['a time without an item', snapshotRecord({ snoozed: [[2]] })],
    ['a snapshot of later records', snapshotRecord({ upTo: 9 })],
  ])('are skipped if they have %s', (_, record) => {
    const entry = logEntry(1, { id: '$1', topic: TOPIC, json: JSON.stringify(record) });
    expect(inboxRecordOf(entry)).toBeUndefined();
    expect(withRecords(EMPTY_INBOX, [entry])?.state).toEqual(NEW_INBOX);
  });

  test('keep the marks of their compaction', () => {
    const mark = { upTo: 3, timeMs: 1_000 };
    const record = { snapshot: NEW_INBOX, upTo: 7, removed: 5, mark };
    expect(inboxRecordOf(entryOf(record, 9))).toEqual({ ...record, timeMs: TIME.getTime() });
  });

  test.each([[{ removed: -1, mark: { upTo: 3 } }], [{ removed: '5', mark: null }], [{ mark: 7 }]])(
    'remove nothing with the compaction %j',
    (compaction) => {
      const entry = logEntry(9, { id: '$1', topic: TOPIC, json: JSON.stringify(snapshotRecord({ compaction })) });
      expect(inboxRecordOf(entry)).not.toHaveProperty('mark');
      expect(inboxRecordOf(entry)).not.toHaveProperty('removed');
    },
  );

  test('are skipped if they are not JSON', () => {
    expect(inboxRecordOf(logEntry(1, { id: '$1', topic: TOPIC, json: '{' }))).toBeUndefined();
  });
});

describe('loading an inbox', () => {
  /** Records of a log with snapshots. Some operations arrive while a snapshot is written. */
  const log = fc.array(fc.oneof({ weight: 4, arbitrary: operation }, fc.constantFrom(0, 1, 2)), { maxLength: 60 });

  function recordsOf(steps: readonly (InboxOperation | number)[]): { records: LogEntry[]; all: FoldedInbox } {
    const records: LogEntry[] = [];
    const folds: FoldedInbox[] = [EMPTY_INBOX];
    for (const [at, step] of steps.entries()) {
      const delay = typeof step === 'number' ? step : 0;
      const old = folds.at(-1 - delay) ?? EMPTY_INBOX;
      const record: InboxRecord =
        typeof step === 'number' ? { snapshot: old.state, upTo: old.upTo } : { operation: step, ids: [] };
      const entry = entryOf(record, at * 2 + 1);
      records.push(entry);
      folds.push(folded(folds.at(-1) ?? EMPTY_INBOX, entry));
    }
    return { records, all: folds.at(-1) ?? EMPTY_INBOX };
  }

  test('gives the state of a node that has received each record', async () => {
    const check = async (steps: readonly (InboxOperation | number)[], limit: number) => {
      const { records, all } = recordsOf(steps);
      const loaded = await loadInbox(reader(records, limit));
      expect(loaded.upTo).toBe(all.upTo);
      for (const item of ITEMS) expect(itemState(loaded.state, item)).toEqual(itemState(all.state, item));
    };
    await fc.assert(fc.asyncProperty(log, fc.integer({ min: 1, max: 7 }), check), { numRuns: 500 });
  });

  test('reads no records before the newest snapshot', async () => {
    const many = Array.from({ length: 1_000 }, (): InboxOperation => ({ op: 'read', positions: [2] }));
    const { records } = recordsOf([...many, 0, { op: 'read', positions: [4] }]);
    const read = reader(records, 64);
    const { state } = await loadInbox(read);
    expect(read.reads).toBe(1);
    expect([2, 4, 6].map((item) => itemState(state, item).read)).toEqual([true, true, false]);
  });

  test('a new snapshot is recognised, because the state must be loaded again', async () => {
    const { records } = recordsOf([{ op: 'read', positions: [2] }, 0]);
    expect(withRecords(EMPTY_INBOX, records)).toBeUndefined();
    expect(withRecords(EMPTY_INBOX, records.slice(0, 1))).toMatchObject({ operations: 1 });
    const loaded = await loadInbox(reader(records, 64));
    expect(withRecords(loaded, records)).toEqual(loaded);
  });

  test('continues from the snapshot that includes the most records', async () => {
    const read = (item: number): InboxOperation => ({ op: 'read', positions: [item] });
    const { records, all } = recordsOf([read(2), read(4), 0, 2, read(6)]);
    // The second snapshot is newer, but it includes nothing. The records before the first one are
    // removed.
    const loaded = await loadInbox(reader(records.slice(2), 64));
    for (const item of ITEMS) expect(itemState(loaded.state, item)).toEqual(itemState(all.state, item));
  });

  test('ends at an erasure: older operations and snapshots have no effect', async () => {
    const { records } = recordsOf([{ op: 'read', positions: [2] }, 0]);
    const late = entryOf({ snapshot: applyOperation(NEW_INBOX, { op: 'read', positions: [2] }), upTo: 1 }, 7);
    const erasure = logEntry(5, inboxDraft(TOPIC, 'erased', TIME));
    const loaded = await loadInbox(reader([...records, erasure, late], 64));
    expect(itemState(loaded.state, 2).read).toBe(false);
    expect(withRecords(EMPTY_INBOX, [erasure])).toBeUndefined();
  });

  test.each([
    ['before the failover', 4, [true, false]],
    ['after the failover', 2, [false, true]],
  ])('a snapshot of an ended epoch that was appended %s', async (_, upTo, read) => {
    const past = { id: 'past', secret: '', upTo };
    const state = applyOperation(NEW_INBOX, { op: 'read', positions: [2] });
    const operation = entryOf({ operation: { op: 'read', positions: [4] }, ids: [] }, 3);
    const snapshot = entryOf({ snapshot: state, upTo: 3, epochId: 'past' }, 4);
    const loaded = await loadInbox(reader([operation, snapshot], 64, { ...EPOCH, before: [past] }));
    expect([2, 4].map((item) => itemState(loaded.state, item).read)).toEqual(read);
  });

  test('counts the operations after the snapshot', async () => {
    const read = (item: number): InboxOperation => ({ op: 'read', positions: [item] });
    const { records } = recordsOf([read(2), 0, read(4), read(6)]);
    expect((await loadInbox(reader(records, 64))).operations).toBe(2);
  });

  test('a record that is delivered twice has no effect', () => {
    const { records, all } = recordsOf([
      { op: 'read', positions: [2] },
      { op: 'unread', positions: [2] },
    ]);
    expect(withRecords(all, records)).toEqual(all);
  });
});
