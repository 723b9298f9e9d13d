import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.js';
import type { Draft } from '../../src/core/notification.js';
import type { Store, TailBatch } from '../../src/core/store.js';
import { sqliteStore, type SqliteStoreOptions } from '../../src/stores/sqlite/index.js';

/** The reports of all stores. */
export const reports: string[] = [];

const opened: Store[] = [];

/** A folder for the files of a suite; `cleanUp` closes what was opened and removes it. */
export function temporaryFolder(): { folder: string; cleanUp: () => Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-sqlite-'));
  return {
    folder,
    cleanUp: async () => {
      for (const store of opened.splice(0)) await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const report = (message: string): void => {
    reports.push(message);
  };
  const store = await sqliteStore(options)({ clock: systemClock, logger: { warn: report, error: report } });
  opened.push(store);
  return store;
}

export function draft(id: string, topic = 'orders', data: unknown = null): Draft {
  return { id, topic, json: JSON.stringify({ id, topic, type: 'check', time: '2030-01-01T00:00:00.000Z', data }) };
}

export const idsOf = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id);

/** Everything of a topic, page by page. */
export async function readAllIds(store: Store, topic = 'orders', from = 0): Promise<string[]> {
  const ids: string[] = [];
  for (let after = from; ;) {
    const page = await store.read({ topics: [topic], after, limit: 1000, bytesMax: 2 ** 24 });
    ids.push(...idsOf(page.entries));
    after = page.entries.at(-1)?.position ?? after;
    if (!page.more) return ids;
  }
}

/** Waits, up to ten seconds, for what happens by itself. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAtMs = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > giveUpAtMs) throw new Error(`waited ten seconds for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A tail that keeps what it is handed. */
export async function follow(store: Store, after: number): Promise<TailBatch[]> {
  const batches: TailBatch[] = [];
  await store.tail(after, (batch) => {
    batches.push(batch);
  });
  return batches;
}
