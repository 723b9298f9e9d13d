import assert from 'node:assert/strict';
import { NotificationsError } from '../../core/errors.js';
import { type Checks, idsOf, logOf, read, stateOf, TOPIC } from './bench.js';

/** The length of 128 bits in base64. Other usual encodings are longer. */
const SECRET_LENGTH_MIN = 22;

export const lifecycleChecks: Checks = {
  'epoch: has an id and a secret that do not change': async (bench) => {
    const { epoch } = await stateOf(bench.store);
    assert.ok(epoch.id.length > 0, 'an epoch has an id');
    assert.ok(epoch.secret.length >= SECRET_LENGTH_MIN, 'an epoch has a secret of 128 bits at least');
    assert.notEqual(epoch.secret, epoch.id, 'the secret is not the id');
    await bench.store.append(bench.drafts(3));
    assert.deepEqual(logOf(await read(bench.store)), logOf({ epoch }));
  },

  'epoch: no two logs share an id or a secret': async (bench) => {
    const one = (await stateOf(bench.store)).epoch;
    const other = (await stateOf(await bench.openFresh())).epoch;
    assert.notEqual(one.id, other.id);
    assert.notEqual(one.secret, other.secret);
  },

  'log: a new log has no entries or ids of another log': async (bench) => {
    const drafts = bench.drafts(2);
    await bench.store.append(drafts);
    const other = await bench.openFresh();
    assert.equal((await read(other)).entries.length, 0);
    const { appended } = await other.append(drafts);
    assert.deepEqual(
      appended.map(({ duplicate }) => duplicate),
      [false, false],
    );
    assert.deepEqual(idsOf((await read(bench.store)).entries), idsOf(drafts));
  },

  'close: later calls reject with store_unavailable': async (bench) => {
    await bench.store.append(bench.drafts(2));
    await bench.store.close();
    const calls = {
      append: () => bench.store.append([bench.draft()]),
      read: () => read(bench.store),
      tail: () => bench.store.tail(0, () => undefined),
      remove: () => bench.store.remove({ topic: TOPIC, upTo: 1, epochId: 'any' }),
    };
    for (const [name, call] of Object.entries(calls)) {
      await assert.rejects(
        call,
        (error: unknown) => error instanceof NotificationsError && error.code === 'store_unavailable',
        `${name} after close must reject with a NotificationsError of code store_unavailable`,
      );
    }
  },

  'close: calls under way settle': async (bench) => {
    const { store } = bench;
    const calls = [
      store.append(bench.drafts(3)),
      read(store),
      store.tail(0, () => undefined),
      store.append([bench.draft()]),
      store.remove({ topic: TOPIC, upTo: 1, epochId: 'any' }),
    ];
    const settled = Promise.allSettled(calls);
    await store.close();
    for (const result of await settled) {
      if (result.status === 'fulfilled') continue;
      const { code } = result.reason as NotificationsError;
      assert.equal(code, 'store_unavailable', 'a call that `close` interrupts rejects with store_unavailable');
    }
  },
};
