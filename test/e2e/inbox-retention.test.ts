import { afterEach, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { memoryStore, NotificationsModule, type StoreFactory } from 'nest-notifications';
import { InboxModule, type InboxOptions } from 'nest-notifications/inbox';
import { natsStore } from 'nest-notifications/stores/nats';
import { postgresStore } from 'nest-notifications/stores/postgres';
import { redisStore } from 'nest-notifications/stores/redis';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import type { Retention } from 'nest-notifications/store';
import { warnIfShort } from '../../src/inbox/nest/retention-warning.js';
import { ADAPTERS } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { type Logs, nestLogger } from '../support/http/logs.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Each store with its default age. None of these calls connects. */
const STORES: readonly [name: string, open: (retention: Partial<Retention>) => StoreFactory, retainMs: number][] = [
  ['memory', memoryStore, HOUR_MS],
  ['SQLite', (retention) => sqliteStore({ path: 'unused.db', ...retention }), 7 * DAY_MS],
  ['Redis', (retention) => redisStore({ connection: 'redis://unused', ...retention }), DAY_MS],
  ['PostgreSQL', (retention) => postgresStore({ connectionString: 'postgres://unused', ...retention }), 7 * DAY_MS],
  ['NATS', natsStore, 7 * DAY_MS],
];

/** The warnings at the start of an application with an inbox. */
async function warningsOf(options: Pick<InboxOptions, 'store' | 'items'>): Promise<readonly string[]> {
  const inbox = InboxModule.forRoot({ access: { subscriber: () => undefined }, ...options });
  const feed = NotificationsModule.forRoot({ access: 'public' });
  const app = await startApp(ADAPTERS[0]!, { imports: [feed, inbox] });
  return app.logs.splice(0);
}

function warningFor(store: StoreFactory, neededMs: number): string | undefined {
  const logs: Logs = [];
  Logger.overrideLogger(nestLogger(logs));
  warnIfShort(store, neededMs);
  return logs[0];
}

afterEach(endTest);

afterEach(() => {
  Logger.overrideLogger(true);
});

test.each(STORES)('the %s store has age, count and bytes as options with the same names', (_, open, retainMs) => {
  expect(open({}).retention?.retainMs).toBe(retainMs);
  const retention = { retainCount: 5_000, retainMs: 90 * DAY_MS, retainBytes: 1024 * 1024 };
  expect(open(retention).retention).toEqual(retention);
});

test.each(STORES)('an inbox warns if the %s store keeps items for a shorter time', (_, open, retainMs) => {
  const warning = warningFor(open({}), 90 * DAY_MS);
  expect(warning).toMatch(/items\.retainMs is 7776000000 \(90 days\)/);
  expect(warning).toContain(`retainMs ${retainMs} (`);
  expect(warningFor(open({ retainMs: 90 * DAY_MS }), 90 * DAY_MS)).toBeUndefined();
  expect(warningFor(open({}), retainMs)).toBeUndefined();
});

test('the start of an application logs the warning once, with both values', async () => {
  const [warning, ...others] = await warningsOf({ store: memoryStore() });
  expect(warning).toMatch(
    /^warn option items\.retainMs is 7776000000 \(90 days\), .* retainMs 3600000 \(0\.042 days\).* lower items\.retainMs/,
  );
  expect(others).toEqual([]);
});

test.each([
  ['the default store', {}],
  ['the default store and a long time', { items: { retainMs: 365 * DAY_MS } }],
  ['a store that keeps items for as long as they are needed', { store: memoryStore(), items: { retainMs: HOUR_MS } }],
  ['a store without a stated retention', { store: (runtime) => memoryStore()(runtime) }],
] satisfies [string, Pick<InboxOptions, 'store' | 'items'>][])('%s causes no warning', async (_, options) => {
  expect(await warningsOf(options)).toEqual([]);
});

test.each([0, -1, 1.5, '5', Infinity])('items.retainMs %p fails the start', async (retainMs) => {
  await expect(warningsOf({ items: { retainMs: retainMs as number } })).rejects.toThrow(/items\.retainMs/);
});
