import { systemClock } from '../../src/core/clock.js';
import type { Draft } from '../../src/core/notification.js';
import type { Store, TailBatch } from '../../src/core/store.js';
import { postgresStore, type PostgresStoreOptions, type PreparedPublication } from '../../src/stores/postgres/index.js';

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

export function draft(id: string, topic = 'orders', data: unknown = null): Draft {
  return { id, topic, json: JSON.stringify({ id, topic, type: 'check', time: '2030-01-01T00:00:00.000Z', data }) };
}

export const idsOf = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id);

export const stateOf = (store: Store) => store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });

/** All ids of a topic, read page by page. */
export async function readAllIds(store: Store, topic = 'orders', from = 0): Promise<string[]> {
  const ids: string[] = [];
  for (let after = from; ;) {
    const page = await store.read({ topics: [topic], after, limit: 1000, bytesMax: 2 ** 24 });
    ids.push(...idsOf(page.entries));
    after = page.entries.at(-1)?.position ?? after;
    if (!page.more) return ids;
  }
}

/** Waits for a condition. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const PATIENCE_MS = 20_000;
  const giveUpAtMs = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > giveUpAtMs) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
    await pause(10);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Opens a tail, and collects its batches. */
export async function follow(store: Store, after: number): Promise<TailBatch[]> {
  const batches: TailBatch[] = [];
  await store.tail(after, (batch) => {
    batches.push(batch);
  });
  return batches;
}

export const entriesOf = (batches: readonly TailBatch[]) => batches.flatMap(({ entries }) => entries);

/** The publication that `NotificationsService.prepare` makes of drafts. */
export function publicationOf(drafts: readonly Draft[]): PreparedPublication {
  return { ids: idsOf(drafts), text: JSON.stringify(drafts) };
}
