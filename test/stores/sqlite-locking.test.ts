import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { openSqliteStore, temporaryFolder } from '../support/stores/sqlite.js';
import { draft } from '../support/drafts.js';

const { folder, cleanUp } = temporaryFolder();
afterAll(cleanUp);

const APPENDS = 100;
const IN_FLIGHT = 16;
/**
 * Transactions of two busy processes that may commit before a call that waits. It is about 150
 * without giving way.
 */
const OVERTAKEN_MAX = 40;

test('a process with few appends gets the lock although two others append all the time', async () => {
  const path = join(folder, 'busy.db');
  const busy = [await openSqliteStore({ path }), await openSqliteStore({ path })];
  const store = await openSqliteStore({ path });
  let [count, isDone] = [0, false];
  const publishers = busy.flatMap((one) =>
    Array.from({ length: IN_FLIGHT }, async () => {
      while (!isDone) await one.append([draft(`busy-${count++}`)]);
    }),
  );
  const overtaken: number[] = [];
  for (let n = 0; n < APPENDS; n++) {
    const { head } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    const { appended } = await store.append([draft(`seldom-${n}`)]);
    overtaken.push(((appended[0]?.position ?? 0) - head) / IN_FLIGHT);
  }
  isDone = true;
  await Promise.all(publishers);
  expect(Math.max(...overtaken)).toBeLessThan(OVERTAKEN_MAX);
}, 60_000);
