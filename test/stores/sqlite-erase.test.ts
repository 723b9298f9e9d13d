import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import Database from 'libsql';
import type { Removed } from '../../src/core/removal.js';
import type { Store } from '../../src/core/store.js';
import { draft, drafts, newDraft } from '../support/drafts.js';
import { openSqliteStore, temporaryFolder } from '../support/stores/sqlite.js';
import { readAllIds } from '../support/stores/reads.js';

const { folder, cleanUp } = temporaryFolder();
afterAll(cleanUp);

const ERASED = 'user.secret-name';
const UP_TO = Number.MAX_SAFE_INTEGER;
/** Longer than a page of the file, so that it is also on overflow pages. */
const LONG = 'secret-text '.repeat(1_000);

async function remove(store: Store): Promise<Removed> {
  const { epoch } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
  return store.remove({ topic: ERASED, upTo: UP_TO, epochId: epoch.id });
}

/** All bytes of the file, its write-ahead log and its shared memory. */
function bytesOf(name: string): string {
  const files = readdirSync(folder).filter((file) => file.startsWith(name));
  return files.map((file) => readFileSync(join(folder, file), 'latin1')).join('');
}

describe('sqliteStore.remove', () => {
  test('leaves no byte of the entries in the file and the write-ahead log', async () => {
    const store = await openSqliteStore({ path: join(folder, 'bytes.db') });
    for (let round = 0; round < 50; round++) {
      await store.append([
        draft(`secret-id-${round}`, { topic: ERASED, data: round % 5 ? `secret-text ${round}` : LONG }),
        ...drafts(3, `kept-${round}-`),
      ]);
    }
    for (const text of ['secret-id', 'secret-name', 'secret-text']) expect(bytesOf('bytes.db')).toContain(text);
    expect(await remove(store)).toEqual({ count: 50, upTo: 200 });
    for (const text of ['secret-id', 'secret-name', 'secret-text']) expect(bytesOf('bytes.db')).not.toContain(text);
    expect(await readAllIds(store)).toHaveLength(150);
    // Retention overwrites nothing, so the setting does not outlast the removal.
    await store.append([newDraft()]);
    expect(await readAllIds(store)).toHaveLength(151);
  });

  test('empties the write-ahead log also if a call before could not', async () => {
    const path = join(folder, 'busy.db');
    const store = await openSqliteStore({ path, busyMs: 200 });
    await store.append([draft('secret-id', { topic: ERASED, data: 'secret-text' }), newDraft()]);
    const reader = new Database(path);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM entries').get();
    await expect(remove(store)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await readAllIds(store, ERASED)).toEqual([]);
    expect(bytesOf('busy.db')).toContain('secret-text');
    reader.exec('COMMIT');
    reader.close();
    expect(await remove(store)).toEqual({ count: 0, upTo: 2 });
    expect(bytesOf('busy.db')).not.toContain('secret-text');
  });
});
