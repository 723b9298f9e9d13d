import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { firstValueFrom, type Subscription } from 'rxjs';
import { systemClock } from '../../src/core/clock.js';
import { Feed } from '../../src/core/feed.js';
import type { Store, StoreFactory } from '../../src/core/store.js';
import { natsStore } from '../../src/stores/nats/index.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import type { LogChunk } from '../../src/stores/shared/tail-hub.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';
import { LogFile } from '../../src/stores/sqlite/log-file.js';
import { TcpProxy } from '../support/tcp/proxy.js';
import { draft } from '../support/drafts.js';
import { natsMissing, NatsServer } from '../support/engines/nats.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { RedisEngine, redisMissing } from '../support/engines/redis.js';
import { LIMITS, poll } from '../support/feed.js';

const NOTIFICATIONS = 50;
const DATA = 'x'.repeat(10_000);
const CLIENTS = 500;
/** Bytes besides the notifications: answers to appends, wake-ups, the engine's protocol. */
const OVERHEAD = 1.25;

/** An engine and a node on it whose reads are counted, in bytes. */
interface Subject {
  readonly publisher: StoreFactory;
  readonly node: StoreFactory;
  bytesRead(): number;
  stop(): Promise<void>;
}

/** A file has no connection, so the reads of the file are counted. */
function sqlite(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-once-'));
  const spies = (['chunkAfter', 'page'] as const).map((name) => jest.spyOn(LogFile.prototype, name));
  const bytesRead = (): number => {
    const results = spies.flatMap(({ mock }) => mock.results.map(({ value }) => value as Pick<LogChunk, 'entries'>));
    return results.flatMap(({ entries }) => entries).reduce((sum, { bytes }) => sum + bytes, 0);
  };
  return Promise.resolve({
    publisher: sqliteStore({ path: join(folder, 'log.db') }),
    node: sqliteStore({ path: join(folder, 'log.db') }),
    bytesRead,
    stop: () => {
      for (const spy of spies) spy.mockRestore();
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
}

async function redis(): Promise<Subject> {
  const engine = await RedisEngine.start();
  const proxy = await TcpProxy.start(Number(new URL(engine.url).port));
  return {
    publisher: redisStore({ connection: engine.url }),
    node: redisStore({ connection: throughProxy(engine.url, proxy) }),
    ...counted(proxy, engine),
  };
}

async function postgres(): Promise<Subject> {
  const engine = await PostgresEngine.start();
  const proxy = await TcpProxy.start(engine.port);
  return {
    publisher: postgresStore({ connectionString: engine.url }),
    node: postgresStore({ connectionString: throughProxy(engine.url, proxy) }),
    ...counted(proxy, engine),
  };
}

async function nats(): Promise<Subject> {
  const engine = await NatsServer.start();
  const proxy = await TcpProxy.start(engine.port);
  return {
    publisher: natsStore({ connection: { servers: engine.servers } }),
    node: natsStore({ connection: { servers: `127.0.0.1:${proxy.port}`, ignoreClusterUpdates: true } }),
    ...counted(proxy, engine),
  };
}

function throughProxy(url: string, proxy: TcpProxy): string {
  const changed = new URL(url);
  changed.port = String(proxy.port);
  return changed.href;
}

function counted(proxy: TcpProxy, engine: { stop(): Promise<void> }): Pick<Subject, 'bytesRead' | 'stop'> {
  return {
    bytesRead: () => proxy.bytesOut,
    stop: async () => {
      await proxy.stop();
      await engine.stop();
    },
  };
}

describe.each([
  ['sqlite', sqlite, undefined],
  ['redis', redis, redisMissing()],
  ['postgres', postgres, postgresMissing()],
  ['nats', nats, natsMissing()],
] as const)('the reads of a node from %s', (_, start, missing) => {
  const runs = missing === undefined ? test : test.skip;
  let subject: Subject;
  let publisher: Store;
  let store: Store;
  let feed: Feed;
  let published = 0;

  beforeEach(async () => {
    if (missing !== undefined) return;
    subject = await start();
    const runtime = { clock: systemClock, logger: { warn: () => undefined, error: () => undefined } };
    publisher = await subject.publisher(runtime);
    store = await subject.node(runtime);
    feed = await Feed.open({ store, clock: systemClock, limits: { ...LIMITS, windowBytes: 2 ** 24 } });
  });
  afterEach(async () => {
    if (missing !== undefined) return;
    await feed.close();
    await store.close();
    await publisher.close();
    await subject.stop();
  });

  runs(`is each notification once, for ${CLIENTS} polls and ${CLIENTS} streams as for one`, async () => {
    const once = NOTIFICATIONS * DATA.length;
    const alone = await bytesFor(1);
    const crowd = await bytesFor(CLIENTS);
    expect(alone).toBeGreaterThanOrEqual(once);
    expect(alone).toBeLessThan(once * OVERHEAD);
    expect(crowd).toBeGreaterThanOrEqual(once);
    expect(crowd).toBeLessThan(once * OVERHEAD);
  });

  runs('is nothing for a recent cursor, which the window answers', async () => {
    const { epoch, head } = feed.window;
    await bytesFor(1);
    const before = subject.bytesRead();
    const pages = await Promise.all(
      Array.from({ length: CLIENTS }, () =>
        firstValueFrom(
          poll(feed, { topics: ['all'], after: { epochId: epoch.id, position: head }, limit: 100, waitMs: 0 }),
        ),
      ),
    );
    expect(pages.every(({ entries }) => entries.length === NOTIFICATIONS)).toBe(true);
    expect(subject.bytesRead() - before).toBeLessThan(DATA.length);
  });

  /** Bytes read while as many polls and streams wait, until all streams have everything. */
  async function bytesFor(clients: number): Promise<number> {
    const request = { topics: ['all'], after: 'latest', limit: 100, waitMs: 60_000 } as const;
    const polls = Array.from({ length: clients }, () => firstValueFrom(poll(feed, request)));
    const streams: Subscription[] = [];
    const followed = Array.from({ length: clients }, () => {
      let count = 0;
      return new Promise<void>((resolve) => {
        streams.push(
          feed.follow(request).subscribe(({ entries }) => {
            count += entries.length;
            if (count === NOTIFICATIONS) resolve();
          }),
        );
      });
    });
    const before = subject.bytesRead();
    for (let sent = 0; sent < NOTIFICATIONS; sent++)
      await publisher.append([draft(`n${published++}`, { topic: 'all', data: DATA })]);
    await Promise.all([...polls, ...followed]);
    for (const stream of streams) stream.unsubscribe();
    return subject.bytesRead() - before;
  }
});
