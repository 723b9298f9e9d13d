import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../../src/core/clock.js';
import type { Store } from '../../../src/core/store.js';
import { sqliteStore, type SqliteStoreOptions } from '../../../src/stores/sqlite/index.js';

/** The reports of all stores. */
export const reports: string[] = [];

const opened: Store[] = [];

/** A folder for the files of a suite. `cleanUp` closes the opened stores and removes the folder. */
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

export async function openSqliteStore(options: SqliteStoreOptions, clock: Clock = systemClock): Promise<Store> {
  const report = (message: string): void => {
    reports.push(message);
  };
  const store = await sqliteStore(options)({ clock, logger: { warn: report, error: report } });
  opened.push(store);
  return store;
}
