import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import type { LogEntry } from '../../src/core/notification.js';
import type { Store } from '../../src/core/store.js';
import { openStore } from '../../src/demo/store.js';
import { draft } from '../support/drafts.js';
import { ENGINES, RETENTION, type SharedEngine } from '../support/engines/shared.js';
import { until } from '../support/time/until.js';

/** Records of another program under a topic of this library. */
const FOREIGN = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '{}',
  JSON.stringify({ id: 'other', topic: 'orders', type: 't', time: '', data: null }),
  JSON.stringify({ id: 'f7', topic: 'secrets', type: 't', time: '', data: null }),
  JSON.stringify({ id: 'f8', topic: 'orders', type: 7, time: '', data: null }),
];

describe.each(Object.values(ENGINES))('records of other programs in $name', ({ missing, start }) => {
  const reason = missing();
  const runs = reason === undefined ? test : test.skip;
  const errors: string[] = [];
  let engine: SharedEngine;
  let store: Store;

  beforeEach(async () => {
    if (reason !== undefined) return;
    errors.length = 0;
    engine = await start();
    const error = (message: string): void => void errors.push(message);
    store = await openStore(
      engine.store(),
      RETENTION,
    )({ clock: systemClock, logger: { warn: () => undefined, error } });
  });
  afterEach(async () => {
    if (reason !== undefined) return;
    await store.close();
    await engine.stop();
  });

  runs('are skipped by pages and the tail, and reported once each, without their text', async () => {
    const followed: LogEntry[] = [];
    const tail = await store.tail(0, ({ entries }) => {
      followed.push(...entries);
    });
    await store.append([draft('before')]);
    for (const [index, json] of FOREIGN.entries()) await store.append([{ id: `f${index}`, topic: 'orders', json }]);
    await store.append([draft('after')]);
    await until(() => followed.at(-1)?.id === 'after');
    expect(followed.map(({ id }) => id)).toEqual(['before', 'after']);
    for (const limit of [1, 2, 100]) {
      const ids: string[] = [];
      for (let after = 0, more = true; more;) {
        const page = await store.read({ topics: ['orders'], after, limit, bytesMax: 2 ** 20 });
        ids.push(...page.entries.map(({ id }) => id));
        after = page.entries.at(-1)?.position ?? page.head;
        more = page.more;
      }
      expect(ids).toEqual(['before', 'after']);
    }
    expect(errors).toHaveLength(FOREIGN.length);
    expect(new Set(errors).size).toBe(FOREIGN.length);
    expect(errors.join()).not.toContain('secrets');
    await tail.close();
  });
});
