import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { Feed } from '../../src/core/feed.js';
import { type LogPage, type LogPosition, positionIn } from '../../src/core/page.js';
import type { Store } from '../../src/core/store.js';
import { OutdatedServer } from '../../src/stores/postgres/errors.js';
import { inDepth } from '../support/depth.js';
import { PgBouncer, pgBouncerMissing } from '../support/engines/pgbouncer.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { poll as pollOf } from '../support/feed.js';
import { closeStores, openPostgresStore, reports, stateOf } from '../support/stores/postgres.js';
import { draft } from '../support/drafts.js';
import { entriesOf, follow, idsOf } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

const isMissing = postgresMissing() !== undefined;
const describePostgres = isMissing ? describe.skip : describe;
const describePooler = isMissing || pgBouncerMissing() !== undefined ? describe.skip : describe;

const LIMITS = {
  waitersMax: 100,
  waitersPerSubscriberMax: 100,
  waitersPerAddressMax: 100,
  pageBytesMax: 2 ** 20,
  windowCount: 100,
  windowBytes: 2 ** 20,
};

const started: { stop(): Promise<void> }[] = [];
const feeds: Feed[] = [];

async function track<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const one = await starting;
  started.push(one);
  return one;
}

afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.close();
  await closeStores();
  for (const one of started.splice(0).reverse()) await one.stop();
}, 30_000);

async function openFeed(store: Store): Promise<Feed> {
  const feed = await Feed.open({ store, clock: systemClock, limits: LIMITS });
  feeds.push(feed);
  return feed;
}

function poll(feed: Feed, after: LogPosition, waitMs = 0): Promise<LogPage> {
  return new Promise((resolve, reject) => {
    pollOf(feed, { topics: ['orders'], after, limit: 1_000, waitMs }).subscribe({ next: resolve, error: reject });
  });
}

/** Appends notifications one after another, and returns the last position. */
async function fill(store: Store, from: number, to: number): Promise<LogPosition> {
  let last: LogPosition = { epochId: '', position: 0 };
  for (let n = from; n <= to; n++) {
    const { epoch, appended } = await store.append([draft(`n${n}`)]);
    last = { epochId: epoch.id, position: appended[0]!.position };
  }
  return last;
}

/** A call during a change of the engine may fail; its caller repeats it. */
async function repeatUntilDone<T>(call: () => Promise<T>): Promise<T> {
  let result: T | undefined;
  await until(async () => {
    result = await call().catch(() => undefined);
    return result !== undefined;
  });
  return result!;
}

/** Waits until the standby has all commits of the primary, and then disconnects it. */
async function cutOff(standby: PostgresEngine, primary: PostgresEngine): Promise<void> {
  const { rows } = await primary.use((client) => client.query('SELECT pg_current_wal_lsn()::text AS lsn'));
  await standby.use(async (client) => {
    await until(async () => {
      const replayed = await client.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done', [rows[0].lsn]);
      return replayed.rows[0].done === true;
    });
    await client.query(`ALTER SYSTEM SET primary_conninfo = ''`);
    await client.query('SELECT pg_reload_conf()');
    await until(async () => (await client.query('SELECT FROM pg_stat_wal_receiver')).rowCount === 0);
  });
}

describePooler('a failover behind a pooler in transaction mode', () => {
  let primary: PostgresEngine;
  let standby: PostgresEngine;
  let pooler: PgBouncer;

  const start = async (settings?: Record<string, string>): Promise<void> => {
    primary = await track(PostgresEngine.start());
    standby = await track(primary.startStandby());
    if (settings) {
      await primary.use(async (client) => {
        for (const [name, value] of Object.entries(settings))
          await client.query(`ALTER SYSTEM SET ${name} = '${value}'`);
        await client.query('SELECT pg_reload_conf()');
      });
    }
    pooler = await track(PgBouncer.start(primary));
  };
  const open = () => openPostgresStore({ connectionString: pooler.url, pollMs: 50 });

  test('a standby is unavailable; its promotion resets only clients beyond its last notification', async () => {
    await start();
    const [store, other] = [await open(), await open()];
    const feed = await openFeed(other);
    const at90 = await fill(store, 1, 90);
    const opening = openPostgresStore({ connectionString: standby.url });
    await expect(opening).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(reports.splice(0).join()).toContain('the server is a standby');
    await cutOff(standby, primary);
    const at100 = await fill(store, 91, 100);
    await until(() => feed.window.head === 100);

    await standby.promote();
    await pooler.changeTo(standby);
    await repeatUntilDone(() => fill(store, 101, 110));

    const { epoch, head } = await stateOf(store);
    expect(head).toBe(100);
    expect(epoch.id).not.toBe(at100.epochId);
    expect(epoch.before?.find(({ id }) => id === at100.epochId)).toMatchObject({ upTo: 90, lost: true });
    await until(() => feed.window.epoch.id === epoch.id && feed.window.head === 100);
    const beyond = await poll(feed, at100);
    expect(beyond.gap).toEqual({ reason: 'reset' });
    expect(idsOf(beyond.entries)).toContain('n110');
    const before = await poll(feed, at90);
    expect(before.gap).toEqual({ reason: 'expired' });
    expect(idsOf(before.entries)).toEqual(Array.from({ length: 10 }, (_, n) => `n${101 + n}`));
    expect(reports.filter((report) => report.includes('lost acknowledged notifications'))).toHaveLength(1);

    // The old primary is still running and accepts appends.
    await pooler.changeTo(primary);
    for (const call of [() => store.append([draft('late')]), () => stateOf(other)]) {
      await until(async () => {
        const error: unknown = await call().catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'store_unavailable' });
        return (error as Error).cause instanceof OutdatedServer;
      });
    }
    await pooler.changeTo(standby);
    expect((await repeatUntilDone(() => stateOf(store))).epoch.id).toBe(epoch.id);
  }, 60_000);

  inDepth(test.skip, test)(
    'to a standby while no node runs costs each client one gap',
    async () => {
      await start();
      const at10 = await fill(await open(), 1, 10);
      await closeStores();
      await cutOff(standby, primary);
      await standby.promote();
      await pooler.changeTo(standby);
      const store = await open();
      const feed = await openFeed(store);
      expect((await poll(feed, at10)).gap).toEqual({ reason: 'expired' });
      expect(reports).toEqual([expect.stringContaining('may be lost')]);
      await standby.restart();
      const { epoch } = await repeatUntilDone(() => stateOf(store));
      expect(epoch.before?.[0]).toMatchObject({ upTo: 10, lost: false });
    },
    60_000,
  );

  inDepth(test.skip, test)(
    'to an asynchronous standby causes a gap also if no running node has read the lost notifications',
    async () => {
      await start();
      const [store, other] = [await open(), await open()];
      const at9 = await fill(store, 1, 9);
      await cutOff(standby, primary);
      expect((await stateOf(other)).head).toBe(9);
      await fill(store, 10, 10);
      await store.close();

      await primary.kill();
      await standby.promote();
      await pooler.changeTo(standby);
      await repeatUntilDone(() => other.append([draft('n11')]));
      const page = await poll(await openFeed(other), at9);
      expect([page.gap, idsOf(page.entries)]).toEqual([{ reason: 'expired' }, ['n11']]);
      expect(reports.filter((report) => report.includes('may be lost'))).toHaveLength(1);
    },
    60_000,
  );

  inDepth(test.skip, test)(
    'to a synchronous standby costs clients nothing',
    async () => {
      await start({ synchronous_standby_names: '*' });
      const [store, other] = [await open(), await open()];
      const feed = await openFeed(other);
      const batches = await follow(other, 0);
      const at10 = await fill(store, 1, 10);
      const at20 = await fill(store, 11, 20);
      await until(() => feed.window.head === 20);
      const held = poll(feed, at20, 20_000);
      const isSynced = async () =>
        (await standby.use((client) => client.query('SELECT synced FROM notifications.log'))).rows[0].synced as boolean;

      await primary.kill();
      await standby.promote();
      expect(await isSynced()).toBe(true);
      await pooler.changeTo(standby);
      await repeatUntilDone(() => store.append([draft('n21')]));
      // The new primary has no standby.
      expect(await isSynced()).toBe(false);

      const page = await held;
      expect([page.gap, idsOf(page.entries)]).toEqual([undefined, ['n21']]);
      expect(page.epoch.before?.[0]).toMatchObject({ id: at20.epochId, upTo: 20, lost: false });
      const resumed = await poll(feed, at10);
      expect([resumed.gap, resumed.entries.length]).toEqual([undefined, 11]);
      expect(idsOf(entriesOf(batches))).toEqual(Array.from({ length: 21 }, (_, n) => `n${n + 1}`));
      expect(reports.filter((report) => report.includes('lost'))).toEqual([]);
    },
    60_000,
  );
});

describePostgres('an engine that is restored', () => {
  test('from files in place resets clients beyond them, also when no node was running', async () => {
    const engine = await track(PostgresEngine.start());
    const open = () => openPostgresStore({ connectionString: engine.url });
    const at50 = await fill(await open(), 1, 50);
    await closeStores();
    await engine.stopAndCopy();
    await engine.startAgain();
    const at80 = await fill(await open(), 51, 80);
    await closeStores();

    await engine.restore();
    await engine.startAgain();
    const store = await open();
    await fill(store, 101, 130);
    const feed = await openFeed(store);
    expect((await poll(feed, at80)).gap).toEqual({ reason: 'reset' });
    const page = await poll(feed, at50);
    expect([page.gap, page.entries[0]?.id, page.entries.length]).toEqual([undefined, 'n101', 30]);

    // docs/stores/postgres.md recommends this statement before nodes start.
    await engine.use((client) => client.query('SELECT notifications.renew(true, true)'));
    await until(() => feed.window.epoch.id !== page.epoch.id);
    expect((await poll(feed, at50)).gap).toEqual({ reason: 'expired' });
  }, 60_000);
});

describePostgres('one engine', () => {
  let engine: PostgresEngine;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
  }, 60_000);
  afterAll(() => engine.stop());

  test('a restart of the engine costs clients nothing', async () => {
    const store = await openPostgresStore({ connectionString: engine.url, schema: 'restarted', pollMs: 50 });
    const batches = await follow(store, 0);
    const at10 = await fill(store, 1, 10);
    await engine.restart();
    const { epoch } = await repeatUntilDone(() => stateOf(store));
    expect(epoch.id).not.toBe(at10.epochId);
    expect(positionIn(epoch, at10)).toMatchObject({ epochId: epoch.id, position: 10 });
    await fill(store, 11, 20);
    await until(() => entriesOf(batches).length === 20);
    expect(batches.map(({ after }) => after)).not.toContain(20);
  }, 60_000);

  test('roles with different rights agree on the epoch', async () => {
    const open = (role: string) =>
      openPostgresStore({ connectionString: engine.url.replace('postgres@', `${role}@`), schema: 'roles' });
    await engine.use(async (client) => {
      await client.query(
        'CREATE ROLE plain LOGIN; CREATE ROLE trusted LOGIN; GRANT CREATE ON DATABASE postgres TO trusted',
      );
      await client.query('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
      await client.query('GRANT EXECUTE ON FUNCTION pg_control_system() TO trusted');
    });
    const { epoch } = await stateOf(await open('trusted'));
    await engine.use(async (client) => {
      await client.query('GRANT USAGE ON SCHEMA roles TO plain');
      await client.query('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA roles TO plain');
    });
    for (const role of ['plain', 'trusted', 'plain']) {
      const store = await open(role);
      await store.append([draft(`from ${role}`)]);
      expect((await stateOf(store)).epoch).toEqual(epoch);
      await store.close();
    }
  }, 60_000);

  test('a wrong password is reported as such', async () => {
    await engine.use(async (client) => {
      await client.query(`CREATE ROLE locked LOGIN PASSWORD 'right'`);
      const { rows } = await client.query('SHOW hba_file');
      await client.query(`COPY (VALUES ('host all locked 127.0.0.1/32 scram-sha-256'),
        ('host all all 127.0.0.1/32 trust')) TO '${rows[0].hba_file}'`);
      await client.query('SELECT pg_reload_conf()');
    });
    const connectionString = engine.url.replace('postgres@', 'locked:hunter2@');
    await expect(openPostgresStore({ connectionString })).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(reports).toEqual([expect.stringContaining('wrong password (28P01)')]);
  }, 60_000);
});
