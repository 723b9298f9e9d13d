import assert from 'node:assert/strict';
import { NotificationsError } from '../../core/errors.js';
import { type Checks, idsOf, lookUp, positionsOf, stateOf } from './bench.js';

export const lookupChecks: Checks = {
  'positionsOf: gives the position of each known id, in order, and undefined for the others': async (bench) => {
    const { appended } = await bench.store.append(bench.drafts(3));
    const [a, b, c] = positionsOf(appended);
    const [idA = '', idB = '', idC = ''] = idsOf(appended);
    assert.deepEqual(await lookUp(bench.store, ['new', idC, idA, idB, idA, 'NEW']), [undefined, c, a, b, a, undefined]);
    assert.deepEqual(await lookUp(bench.store, []), []);
  },

  'positionsOf: finds the same positions as a repeated append': async (bench) => {
    const drafts = bench.drafts(20);
    await bench.store.append(drafts.slice(0, 10));
    const found = await lookUp(bench.store, idsOf(drafts));
    const { appended } = await bench.store.append(drafts);
    assert.deepEqual(
      found,
      appended.map(({ position, duplicate }) => (duplicate ? position : undefined)),
    );
  },

  'positionsOf: appends nothing': async (bench) => {
    const { head } = await stateOf(bench.store);
    const draft = bench.draft();
    assert.deepEqual(await lookUp(bench.store, [draft.id]), [undefined]);
    assert.equal((await stateOf(bench.store)).head, head);
    assert.equal((await bench.store.append([draft])).appended[0]?.duplicate, false);
  },

  'positionsOf: ids that differ in any character are different ids': async (bench) => {
    const ids = ['a', 'A', 'a.', 'a:', 'a/', '__proto__', 'constructor', '$a', 'a'.repeat(200)];
    for (const id of ids.slice(0, 1)) await bench.store.append([bench.draft(undefined, null, id)]);
    const found = await lookUp(bench.store, ids);
    assert.deepEqual(
      found.map((position) => position !== undefined),
      ids.map((id) => id === 'a'),
    );
  },

  'positionsOf: rejects with store_unavailable after close': async (bench) => {
    await bench.store.close();
    await assert.rejects(
      lookUp(bench.store, ['a']),
      (error: unknown) => error instanceof NotificationsError && error.code === 'store_unavailable',
    );
  },
};

/** For stores that several nodes share. */
export const lookupNodesChecks: Checks = {
  'nodes: positionsOf finds an id as soon as another node has acknowledged it': async (bench) => {
    const other = await bench.openAnother();
    for (const [one, two] of [
      [bench.store, other],
      [other, bench.store],
    ] as const) {
      for (let round = 0; round < 5; round++) {
        const { appended } = await one.append(bench.drafts(2));
        assert.deepEqual(await lookUp(two, idsOf(appended)), positionsOf(appended));
      }
    }
  },
};
