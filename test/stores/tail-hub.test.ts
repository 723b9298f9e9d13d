import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { logEntry } from '../../src/core/notification.js';
import type { Epoch, TailBatch } from '../../src/core/store.js';
import { pastEpochs } from '../../src/stores/shared/epoch.js';
import { TailHub } from '../../src/stores/shared/tail-hub.js';
import { draft } from '../support/drafts.js';

const old: Epoch = { id: 'old', secret: 'secret of old' };
const entries = [1, 2, 3, 4].map((position) => logEntry(position, draft(`n${position}`)));

/** A tail at position 2 of the old epoch, and its first batch after the log began a new one. */
async function batchAfterFailover(head: number, upTo: number): Promise<TailBatch> {
  const epoch: Epoch = { id: 'new', secret: 'secret of new', before: pastEpochs(old, upTo, false) };
  const hub = new TailHub({
    clock: systemClock,
    readAfter: async (after) => {
      const rest = entries.filter(({ position }) => position > after && position <= head);
      return { epoch, entries: rest, upTo: head, head, trimmed: 0 };
    },
    retryMs: () => 1,
  });
  const batch = await new Promise<TailBatch>((resolve) => {
    hub.open(old.id, 2, resolve);
  });
  await hub.close();
  return batch;
}

test('a tail continues at its position if the new epoch continues the old one', async () => {
  const batch = await batchAfterFailover(4, 3);
  expect(batch).toMatchObject({ epoch: { id: 'new' }, after: 2, head: 4 });
  expect(batch.entries.map(({ id }) => id)).toEqual(['n3', 'n4']);
});

test('a tail without new entries changes to the new epoch at its position', async () => {
  const batch = await batchAfterFailover(2, 2);
  expect(batch).toMatchObject({ epoch: { id: 'new' }, after: 2, entries: [], head: 2 });
});

test('a tail beyond the fork starts again at the head', async () => {
  const batch = await batchAfterFailover(4, 1);
  expect(batch).toMatchObject({ epoch: { id: 'new' }, after: 4, entries: [], head: 4 });
});
