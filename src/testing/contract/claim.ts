import assert from 'node:assert/strict';
import { abilitiesOf, CLAIM_TTL_MS_MAX } from '../../core/abilities.js';
import { NotificationsError } from '../../core/errors.js';
import { type BenchStore, type Checks, claim, readAll, stateOf } from './bench.js';
import { trimmedLog } from './retention.js';

const CLAIMS_AT_ONCE = 20;

export const abilityChecks: Checks = {
  'abilities: the store has exactly the abilities in the option `abilities`': async (bench) => {
    assert.deepEqual(Object.keys(abilitiesOf(bench.store)).sort(), [...bench.abilities].sort());
  },
};

export const claimChecks: Checks = {
  'claim: a key can be claimed once': async (bench) => {
    assert.equal(await claim(bench.store, 'ticket'), true);
    assert.equal(await claim(bench.store, 'ticket'), false);
    assert.equal(await claim(bench.store, 'ticket'), false);
  },

  'claim: exactly one of several concurrent claims of a key succeeds': async (bench) => {
    await assertClaimedOnce([bench.store]);
  },

  'claim: a claim of a claimed key fails, also with another time to live': async (bench) => {
    for (const ttlMs of [60_000, CLAIM_TTL_MS_MAX, 1_000]) {
      assert.equal(await claim(bench.store, 'ticket', ttlMs), ttlMs === 60_000, `claimed for ${ttlMs} ms`);
    }
  },

  'claim: keys that differ in any character are different keys': async (bench) => {
    const keys = ['a', 'A', 'a-', 'a_', '-', '_', '0', '00', '1e0', '1', '__proto__', 'constructor', 'a'.repeat(64)];
    for (const key of keys) assert.equal(await claim(bench.store, key), true, `first claim of ${key}`);
    for (const key of keys) assert.equal(await claim(bench.store, key), false, `second claim of ${key}`);
  },

  'claim: does not change the log, and appends do not change claims': async (bench) => {
    await bench.store.append([bench.draft(undefined, null, 'key')]);
    const follower = await bench.follow(0);
    const { head } = await stateOf(bench.store);
    assert.equal(await claim(bench.store, 'key'), true, 'an id in the log is not a claimed key');
    assert.equal((await stateOf(bench.store)).head, head, 'a claim appends nothing');
    await bench.store.append([bench.draft(undefined, null, 'key'), bench.draft()]);
    assert.equal(await claim(bench.store, 'key'), false);
    const entries = await readAll(bench.store);
    assert.equal(entries.length, 2);
    await follower.reaches(entries.at(-1)?.position ?? 0);
    follower.assertHanded(entries);
  },

  'claim: rejects a key or a time that it does not allow': async (bench) => {
    const keys = ['', 'a'.repeat(65), 'a b', 'a.b', 'a*', 'ä', 'a\n', 'a/b', ':'];
    const times = [0, -1, 1.5, NaN, Infinity, CLAIM_TTL_MS_MAX + 1];
    for (const key of keys) await assert.rejects(claim(bench.store, key), RangeError, `key ${JSON.stringify(key)}`);
    for (const ttlMs of times) await assert.rejects(claim(bench.store, 'key', ttlMs), RangeError, `ttlMs ${ttlMs}`);
    assert.equal(await claim(bench.store, 'key'), true, 'a rejected claim claims nothing');
  },

  'claim: rejects with store_unavailable after close': async (bench) => {
    await claim(bench.store, 'before');
    await bench.store.close();
    await assertUnavailable(claim(bench.store, 'after'));
  },

  'claim: a claim under way settles when the store closes': async (bench) => {
    const settled = Promise.allSettled([claim(bench.store, 'a'), claim(bench.store, 'b')]);
    await bench.store.close();
    for (const result of await settled) {
      if (result.status === 'rejected') await assertUnavailable(Promise.reject(result.reason as Error));
    }
  },
};

/** For stores whose log keeps the newest notifications only. */
export const claimTrimChecks: Checks = {
  'claim: remains after retention has removed notifications': async (bench) => {
    assert.equal(await claim(bench.store, 'ticket'), true);
    await trimmedLog(bench);
    assert.equal(await claim(bench.store, 'ticket'), false);
  },
};

/** For stores that several nodes share. */
export const claimNodesChecks: Checks = {
  'nodes: a key that one node has claimed is claimed on all nodes': async (bench) => {
    const other = await bench.openAnother();
    assert.equal(await claim(bench.store, 'a'), true);
    assert.equal(await claim(other, 'a'), false);
    assert.equal(await claim(other, 'b'), true);
    assert.equal(await claim(bench.store, 'b'), false);
  },

  'nodes: exactly one of several concurrent claims on different nodes succeeds': async (bench) => {
    await assertClaimedOnce([bench.store, await bench.openAnother()]);
  },

  'nodes: a claim outlives the node that made it': async (bench) => {
    assert.equal(await claim(bench.store, 'ticket'), true);
    await bench.store.close();
    assert.equal(await claim(await bench.openAnother(), 'ticket'), false);
  },
};

async function assertClaimedOnce(stores: readonly BenchStore[]): Promise<void> {
  const calls = Array.from({ length: CLAIMS_AT_ONCE }, (_, index) => {
    const store = stores[index % stores.length];
    assert.ok(store);
    return claim(store, `ticket-${Math.floor(index / 10)}`);
  });
  const claimed = await Promise.all(calls);
  for (const answers of [claimed.slice(0, 10), claimed.slice(10)]) {
    assert.deepEqual(answers.filter(Boolean), [true], 'one of ten claims of a key succeeds');
  }
}

async function assertUnavailable(call: Promise<unknown>): Promise<void> {
  await assert.rejects(
    call,
    (error: unknown) => error instanceof NotificationsError && error.code === 'store_unavailable',
    'it must reject with a NotificationsError of code store_unavailable',
  );
}
