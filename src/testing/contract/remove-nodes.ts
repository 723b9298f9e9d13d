import assert from 'node:assert/strict';
import { appendEach, assertContinues, type Checks, positionsOf, read, readAll, stateOf } from './bench.js';
import { ERASED, MANY, MANY_ARRAY, mixedLog, remove, TOPICS } from './remove.js';
import { above, ROUNDS_MAX } from './retention.js';

/** For stores whose log keeps the newest notifications only. */
export const removeRetentionChecks: Checks = {
  'remove: retention does not count removed entries': async (bench) => {
    const { store, keep } = bench;
    const kept: number[] = [];
    for (let round = 0; round < keep; round++) {
      kept.push(...positionsOf((await store.append([bench.draft()])).appended));
      if (kept.length < keep) await store.append(bench.drafts(keep - kept.length, ERASED));
      assert.equal((await remove(store)).count, keep - kept.length);
    }
    const { entries, trimmed } = await read(store, { topics: TOPICS });
    assert.deepEqual([positionsOf(entries), trimmed], [kept, 0]);
  },

  'remove: retention continues after a removal': async (bench) => {
    const { store, keep } = bench;
    await store.append(bench.drafts(keep, ERASED));
    const { appended } = await store.append([bench.draft()]);
    await remove(store);
    for (let round = 0; round < ROUNDS_MAX; round++) {
      await store.append(bench.drafts(keep));
      const { trimmed } = await read(store);
      if (trimmed < (appended[0]?.position ?? 0)) continue;
      const entries = await readAll(store);
      assert.ok(above(trimmed, positionsOf(entries)).length >= keep, 'retention keeps as many as before');
      return;
    }
    assert.fail(`${ROUNDS_MAX * keep} notifications were appended after the removal, but the first one is kept`);
  },
};

/** For stores that several nodes share. */
export const removeNodesChecks: Checks = {
  'nodes: a removal by one node is visible on all nodes, and the epoch stays the same': async (bench) => {
    const other = await bench.openAnother();
    const [mine, theirs] = [await bench.follow(0), await bench.follow(0, other)];
    const log = await mixedLog(bench);
    for (const follower of [mine, theirs]) await follower.reaches(log.at(-1)?.position ?? 0);
    const { epoch, trimmed } = await stateOf(other);
    await remove(bench.store);
    assert.deepEqual(await readAll(other, [ERASED]), []);
    await other.append([bench.draft()]);
    await bench.store.append([bench.draft(ERASED)]);
    for (const store of [bench.store, other]) {
      const state = await stateOf(store);
      assert.deepEqual([state.epoch.id, state.trimmed], [epoch.id, trimmed]);
    }
    const later = await readAll(other, TOPICS, log.at(-1)?.position);
    assert.equal(later.length, 2);
    for (const follower of [mine, theirs]) {
      await follower.reaches(later.at(-1)?.position ?? 0);
      follower.assertHanded([...log, ...later]);
    }
  },

  'nodes: a store that opens after a removal has the same log': async (bench) => {
    const log = await mixedLog(bench);
    const { epoch } = await stateOf(bench.store);
    await remove(bench.store);
    await bench.store.close();
    const later = await bench.openAnother();
    const state = await stateOf(later);
    assertContinues(state.epoch, { epoch, position: log.at(-1)?.position ?? 0 });
    assert.deepEqual([state.trimmed, state.head >= (log.at(-1)?.position ?? Infinity)], [0, true]);
    const [position] = await appendEach(later, [bench.draft()]);
    assert.ok((position ?? 0) > (log.at(-1)?.position ?? Infinity), 'no position is assigned again');
    const kept = [...log.filter(({ topic }) => topic !== ERASED).map((entry) => entry.position), position];
    assert.deepEqual(positionsOf(await readAll(later, TOPICS)), kept);
  },

  'nodes: concurrent removals count each entry once': async (bench) => {
    const stores = [bench.store, await bench.openAnother()];
    for (let count = 0; count < MANY; count += MANY_ARRAY) await bench.store.append(bench.drafts(MANY_ARRAY, ERASED));
    const results = await Promise.all(stores.map((store) => remove(store)));
    assert.equal(
      results.reduce((sum, { count }) => sum + count, 0),
      MANY,
    );
    for (const store of stores) assert.deepEqual(await readAll(store, [ERASED]), []);
  },
};
