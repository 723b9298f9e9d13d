import assert from 'node:assert/strict';
import { assertAppendedOnce, assertArraysWhole } from './append.js';
import { assertContinues, type Checks, idsOf, logOf, read, readAll, stateOf, TOPIC } from './bench.js';
import { assertReaderComplete } from './read.js';
import { assertComplete } from './tail.js';

const TOPICS = [TOPIC, 'invoices', 'users'];

/** For stores that several nodes share. */
export const nodesChecks: Checks = {
  'nodes: all know the same log': async (bench) => {
    const other = await bench.openAnother();
    assert.deepEqual(logOf(await stateOf(other)), logOf(await stateOf(bench.store)));
    const { appended, epoch } = await other.append(bench.drafts(2));
    assert.deepEqual(logOf({ epoch }), logOf(await stateOf(bench.store)));
    const page = await read(bench.store);
    assert.deepEqual(idsOf(page.entries), idsOf(appended));
    assert.ok(
      page.head >= (appended[1]?.position ?? Infinity),
      'head includes an entry that was acknowledged to another node',
    );
  },

  'nodes: a tail delivers the entries that others append': async (bench) => {
    const other = await bench.openAnother();
    const followers = [await bench.follow(0), await bench.follow(0, other)];
    await bench.store.append(bench.drafts(2));
    await other.append(bench.drafts(2));
    await assertComplete(bench, followers);
    await assertComplete(bench, followers, [], other);
  },

  'nodes: an id that several nodes append concurrently is appended once': async (bench) => {
    await assertAppendedOnce(bench, [bench.store, await bench.openAnother()]);
  },

  'nodes: an id is a duplicate if another node has appended it': async (bench) => {
    const [draft] = bench.drafts(1);
    assert.ok(draft);
    const { appended: first } = await bench.store.append([draft]);
    const { appended: again } = await (await bench.openAnother()).append([draft]);
    assert.deepEqual({ ...again[0] }, { ...first[0], duplicate: true });
  },

  'nodes: arrays of concurrent appends do not mix, and all nodes see one order': async (bench) => {
    const other = await bench.openAnother();
    const followers = [await bench.follow(0), await bench.follow(0, other)];
    await assertArraysWhole(bench, [bench.store, other]);
    const entries = await readAll(bench.store, TOPICS);
    assert.deepEqual(idsOf(await readAll(other, TOPICS)), idsOf(entries));
    for (const follower of followers) {
      await follower.reaches(entries.at(-1)?.position ?? 0);
      follower.assertHanded(entries);
    }
  },

  'nodes: a reader that continues from head misses nothing while all append': async (bench) => {
    const stores = [bench.store, await bench.openAnother()];
    let calls = 0;
    await assertReaderComplete(bench, async (drafts) => stores[calls++ % 2]?.append(drafts));
  },

  'nodes: closing one store does not affect the others': async (bench) => {
    const other = await bench.openAnother();
    const [closing, staying] = [await bench.follow(0, other), await bench.follow(0)];
    await other.close();
    const { length } = closing.batches;
    await bench.store.append(bench.drafts(3));
    await assertComplete(bench, [staying]);
    assert.equal(closing.batches.length, length, 'a closed store delivers nothing');
  },

  'nodes: the log remains after the node that wrote it has closed': async (bench) => {
    const { epoch } = await bench.store.append(bench.drafts(3));
    const entries = await readAll(bench.store);
    await bench.store.close();
    const later = await bench.openAnother();
    assert.deepEqual(idsOf(await readAll(later)), idsOf(entries));
    assertContinues((await stateOf(later)).epoch, { epoch, position: entries.at(-1)?.position ?? 0 });
  },
};
