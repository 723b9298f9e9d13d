import { systemClock } from '../../../src/core/clock.js';
import type { Draft } from '../../../src/core/notification.js';
import type { Store } from '../../../src/core/store.js';
import {
  postgresStore,
  type PostgresStoreOptions,
  type PreparedPublication,
} from '../../../src/stores/postgres/index.js';
import { idsOf } from './reads.js';

const opened: Store[] = [];

/** Reports of stores since the last test. */
export const reports: string[] = [];

/** Opens a store that reports into `reports`. `closeStores` closes it. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const report = (message: string): void => {
    reports.push(message);
  };
  const store = await postgresStore(options)({ clock: systemClock, logger: { warn: report, error: report } });
  opened.push(store);
  return store;
}

export async function closeStores(): Promise<void> {
  for (const store of opened.splice(0)) await store.close();
  reports.length = 0;
}

export const stateOf = (store: Store) => store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });

/** The publication that `NotificationsService.prepare` makes of drafts. */
export function publicationOf(drafts: readonly Draft[]): PreparedPublication {
  return { ids: idsOf(drafts), text: JSON.stringify(drafts) };
}
