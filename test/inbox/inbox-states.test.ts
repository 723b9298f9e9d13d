import { expect, test } from '@jest/globals';
import { type LogEntry, logEntry } from '../../src/core/notification.js';
import type { ReadResult, Store } from '../../src/core/store.js';
import { inboxDraft } from '../../src/inbox/inbox-record.js';
import { itemState } from '../../src/inbox/inbox-state.js';
import { InboxStates } from '../../src/inbox/nest/inbox-states.js';

const TOPIC = '$inbox.0123';

/** The record of an operation that marks the item 1 as read. */
function readRecord(position: number): LogEntry {
  const operation = { op: 'read' as const, positions: [1] };
  return logEntry(position, inboxDraft(TOPIC, { operation, ids: ['a1'] }, new Date(0)));
}

/** States on a store that answers a read when the test says so. */
function openStates() {
  let [epoch, resolveRead] = [{ id: 'old', secret: '' }, (_: ReadResult): void => undefined];
  const store = { read: () => new Promise<ReadResult>((resolve) => (resolveRead = resolve)) } as unknown as Store;
  return {
    states: new InboxStates({ store, epochId: () => epoch.id, bytesMax: 100_000 }),
    failOver: () => {
      epoch = { id: 'current', secret: '' };
    },
    answer: (entries: readonly LogEntry[], head: number) => {
      resolveRead({ epoch, entries, more: false, head, trimmed: 0 });
    },
  };
}

test('a record that a failover has lost does not stay in the cached state', async () => {
  const { states, failOver, answer } = openStates();

  const reading = states.current(TOPIC);
  states.add(readRecord(8));
  // The failover loses the record. The store answers from the new epoch.
  failOver();
  answer([], 7);
  await reading;

  const received = states.received(TOPIC);
  answer([], 7);
  expect(itemState((await received).state, 1).read).toBe(false);
  states.add(readRecord(8));
  expect(itemState((await states.received(TOPIC)).state, 1).read).toBe(true);
});

test('a state that was read before the tail of a new epoch began is read again', async () => {
  const { states, failOver, answer } = openStates();

  const reading = states.current(TOPIC);
  // The tail of the new epoch begins after the record 8, which the read lacks.
  failOver();
  answer([], 7);
  await reading;

  const received = states.received(TOPIC);
  answer([readRecord(8)], 8);
  expect(itemState((await received).state, 1).read).toBe(true);
});
