import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { systemClock } from '../../src/core/clock.js';
import { Feed } from '../../src/core/feed.js';
import type { LogPage, LogPosition } from '../../src/core/page.js';
import { withoutRetractions } from '../../src/core/retraction.js';
import type { Store, StoreFactory } from '../../src/core/store.js';
import { memoryStore } from '../../src/stores/memory/memory-store.js';
import { natsStore } from '../../src/stores/nats/index.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';
import { inDepth } from '../support/depth.js';
import { newDraft } from '../support/drafts.js';
import { natsMissing, NatsServer } from '../support/engines/nats.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';
import { idsOf, LIMITS, poll } from '../support/feed.js';
import { memoryNode } from '../support/memory.js';
import { until } from '../support/time/until.js';

const ERASED = 'user.1';
const TOPICS = ['orders', ERASED];
const ROUNDS = 20;
const MANY = 100_000;
const APPENDS_MIN = 200;
const STATE = { topics: [], after: 0, limit: 0, bytesMax: 0 };

/** An engine. Each call of `open` opens a node on the same log. */
interface Subject {
  readonly open: StoreFactory;
  stop(): Promise<void>;
}

async function memory(): Promise<Subject> {
  let log: Promise<Store> | undefined;
  return {
    open: async (runtime) => memoryNode(await (log ??= Promise.resolve(memoryStore()(runtime)))),
    stop: async () => undefined,
  };
}

async function sqlite(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-erase-'));
  return {
    open: sqliteStore({ path: join(folder, 'log.db') }),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function redis(): Promise<Subject> {
  const engine = await RedisEngine.start();
  return { open: redisStore({ connection: engine.url }), stop: () => engine.stop() };
}

async function postgres(): Promise<Subject> {
  const engine = await PostgresEngine.start();
  return { open: postgresStore({ connectionString: engine.url }), stop: () => engine.stop() };
}

async function nats(): Promise<Subject> {
  const server = await NatsServer.start();
  return {
    open: natsStore({ connection: { servers: server.servers }, syncAlways: true }),
    stop: () => server.stop(),
  };
}

describe.each([
  ['memory', memory, undefined],
  ['sqlite', sqlite, undefined],
  ['redis', redis, redisMissing()],
  ['postgres', postgres, postgresMissing()],
  ['nats', nats, natsMissing()],
] as const)('an erasure on nodes of %s', (_, start, missing) => {
  const runs = missing === undefined ? test : test.skip;
  const closing: (() => Promise<void>)[] = [];
  const reports: string[] = [];
  let subject: Subject;

  beforeAll(async () => {
    if (missing === undefined) subject = await start();
  }, 60_000);
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    expect(reports.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    if (missing === undefined) await subject.stop();
  });

  async function node(): Promise<{ store: Store; feed: Feed }> {
    const report = (message: string): void => void reports.push(message);
    const store = await subject.open({ clock: systemClock, logger: { warn: report, error: report } });
    const feed = await Feed.open({ store, clock: systemClock, limits: LIMITS });
    closing.push(async () => {
      await feed.close();
      await store.close();
    });
    return { store, feed };
  }

  const pageOf = (feed: Feed, after: LogPosition): Promise<LogPage> =>
    firstValueFrom(poll(feed, { topics: TOPICS, after, limit: 1000, waitMs: 0 }));

  runs('is complete for all of them, and no client gets a gap', async () => {
    const [one, two] = [await node(), await node()];
    const { epoch, head } = await one.store.read(STATE);
    const start: LogPosition = { epochId: epoch.id, position: head };
    const [kept, places]: [string[], LogPosition[]] = [[], [start]];
    for (let round = 0; round < ROUNDS; round++) {
      const { appended } = await one.store.append([newDraft(), newDraft(ERASED), newDraft(), newDraft(ERASED)]);
      kept.push(appended[0]!.id, appended[2]!.id);
      for (const { position } of appended) places.push({ epochId: epoch.id, position });
    }
    await until(() => two.feed.window.head >= places.at(-1)!.position);
    expect(idsOf(await pageOf(two.feed, start))).toHaveLength(4 * ROUNDS);

    expect(await one.feed.erase([ERASED])).toEqual([{ topic: ERASED, count: 2 * ROUNDS }]);
    const { head: recordedAt, epoch: same } = await one.store.read(STATE);
    expect(same.id).toBe(epoch.id);
    await until(() => two.feed.window.head >= recordedAt);
    const later = await node();
    for (const { feed } of [one, two, later]) {
      for (const [at, place] of places.entries()) {
        const page = await pageOf(feed, place);
        expect([idsOf(page), page.gap]).toEqual([kept.slice(Math.ceil(at / 2)), undefined]);
      }
      const before = await firstValueFrom(feed.history({ topics: TOPICS, before: 'latest', limit: 1000 }));
      expect(idsOf(before)).toEqual([...kept].reverse());
    }

    const { appended } = await two.store.append([newDraft(ERASED)]);
    await until(() => one.feed.window.head >= appended[0]!.position);
    for (const { feed } of [one, two]) {
      expect(idsOf(await pageOf(feed, start))).toEqual([...kept, appended[0]!.id]);
    }
  });

  const runsInFull = inDepth(false, true) ? runs : test.skip;
  runsInFull(
    'of 100,000 notifications delays an append by at most 100 ms',
    async () => {
      const [one, two] = [await node(), await node()];
      for (let at = 0; at < MANY; at += 1_000) {
        await one.store.append(Array.from({ length: 1_000 }, () => newDraft(ERASED)));
      }
      const appendUntil = async (isDone: () => boolean): Promise<number> => {
        const tookMs: number[] = [];
        while (!isDone() || tookMs.length < APPENDS_MIN) {
          const startMs = systemClock.monotonic();
          await two.store.append([newDraft()]);
          tookMs.push(systemClock.monotonic() - startMs);
        }
        return tookMs.sort((a, b) => a - b)[Math.floor(tookMs.length * 0.99)]!;
      };
      // The first appends still wait for the engine to finish the large ones.
      await appendUntil(() => true);
      const before = await appendUntil(() => true);
      let isDone = false;
      const appending = appendUntil(() => isDone);
      const [erased] = await one.feed.erase([ERASED]);
      isDone = true;
      expect(erased!.count).toBeGreaterThanOrEqual(MANY);
      expect((await appending) - before).toBeLessThan(100);
    },
    120_000,
  );

  runs('takes the retractions of a topic with it, and an id may be published and retracted again', async () => {
    const [one, two] = [await node(), await node()];
    await one.feed.erase([ERASED]);
    const { epoch, head } = await one.store.read(STATE);
    const start: LogPosition = { epochId: epoch.id, position: head };
    const notification = newDraft(ERASED);
    const { id, topic } = notification;
    await one.store.append([notification]);
    await one.feed.retract({ id, topic });
    expect(await one.feed.erase([ERASED])).toEqual([{ topic: ERASED, count: 2 }]);
    const erased = await node();
    for (const { feed } of [one, erased]) expect(idsOf(await pageOf(feed, start))).toEqual([]);

    // Some stores recognise the id, and append nothing.
    await two.store.append([notification, newDraft('orders')]);
    await two.feed.retract({ id, topic });
    const { head: retractedAt } = await two.store.read(STATE);
    const later = await node();
    for (const { feed } of [one, two, erased, later]) {
      await until(() => feed.window.head >= retractedAt);
      expect(withoutRetractions((await pageOf(feed, start)).entries)).toMatchObject([{ topic: 'orders' }]);
    }
  });
});
