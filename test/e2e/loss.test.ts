import { describe, expect, test } from '@jest/globals';
import { Controller, Get, Query } from '@nestjs/common';
import type { NotificationsOptions } from 'nest-notifications';
import { filter, map, type Observable, race, Subject, take, timer } from 'rxjs';
import { inDepth } from '../support/depth.js';
import { type Adapter, express, forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import type { Target } from '../support/http/connection.js';
import { problemsOf } from '../support/history/checker.js';
import type { Logged, Problem } from '../support/history/history.js';
import { PublishRecord } from '../support/history/record.js';
import { Random } from '../support/random.js';
import { RoamingClient, type Transport } from '../support/http/roaming-client.js';
import { turn } from '../support/time/until.js';

/** Another seed tests other interleavings: LOSS_SEED=7 npm test -- loss */
const SEED = Number(process.env.LOSS_SEED ?? 1);
const CLIENTS = 60;
const NOTIFICATIONS = inDepth(300, 2_000);
const TOPICS = Array.from({ length: 10 }, (_, index) => `topic.${index}`);
/** The time limit of the check. A busy machine needs several times the usual time. */
const CHECK_MS_MAX = 90_000;

/**
 * A server under test: it serves `GET /notifications` and can publish.
 */
interface Feed extends Target {
  readonly cursor: string;
  readonly transports: readonly Transport[];
  publish(notifications: readonly Logged[]): Promise<unknown>;
}

/** The library with small limits, so that the test covers every code path. */
async function startLibrary(adapter: Adapter): Promise<Feed> {
  const random = new Random(SEED + 1);
  const notifications: NotificationsOptions = {
    access: {
      read: async () => {
        await turn(random.from(0, 3));
        return true;
      },
    },
    window: { count: 40 },
    limits: { pageBytesMax: 2_048 },
    stream: { heartbeatMs: 100, lifetimeMs: 1_000, cursorEveryMs: 100 },
  };
  const { port, service } = await startApp(adapter, { notifications });
  const publish = (list: readonly Logged[]): Promise<unknown> =>
    service.publishAll(list.map(({ id, topic }) => ({ id, topic, type: 'numbered' })));
  return { port, cursor: service.cursor(), transports: ['poll', 'sse'], publish };
}

/** A common implementation of long polling. It loses notifications between two polls. */
@Controller('notifications')
class NaiveController {
  static readonly events = new Subject<Logged>();

  @Get()
  poll(@Query('topic') topics: string, @Query('wait') wait: string): Observable<object> {
    const arrival = NaiveController.events.pipe(
      filter(({ topic }) => topics.split(',').includes(topic)),
      take(1),
      map((notification) => [notification]),
    );
    return race(arrival, timer(Number(wait) * 1_000).pipe(map(() => []))).pipe(
      map((notifications) => ({ notifications, cursor: 'none' })),
    );
  }
}

async function startNaive(adapter: Adapter): Promise<Feed> {
  const { port } = await startApp(adapter, { controllers: [NaiveController], notifications: { controller: false } });
  const publish = async (list: readonly Logged[]): Promise<void> => {
    for (const notification of list) NaiveController.events.next(notification);
  };
  return { port, cursor: 'none', transports: ['poll'], publish };
}

/**
 * Runs clients and a publisher together, and returns the errors in the clients' histories.
 */
async function check(feed: Feed): Promise<{ problems: Problem[]; counts: Record<string, number> }> {
  const random = new Random(SEED);
  let over = false;
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const topics = random.sample(TOPICS, random.from(1, 4));
    const { cursor, transports } = feed;
    return new RoamingClient(feed, {
      name: `client ${index}`,
      topics,
      cursor,
      transports,
      random: new Random(SEED + 100 + index),
      over: () => over,
    });
  });
  const record = new PublishRecord();
  const log: Logged[] = [];
  const publishAll = async (): Promise<void> => {
    while (log.length < NOTIFICATIONS) {
      const batch = Array.from({ length: random.from(1, 5) }, (_, index): Logged => {
        const position = log.length + index + 1;
        return { id: `n${position}`, topic: random.pick(TOPICS), position };
      });
      log.push(...batch);
      const acknowledge = batch.map(({ id, topic }) => record.called(id, topic));
      await feed.publish(batch);
      for (const acknowledged of acknowledge) acknowledged();
      await turn(random.chance(0.1) ? random.from(20, 60) : random.from(0, 4));
    }
    over = true;
  };
  await Promise.all([publishAll(), ...clients.map((client) => client.run())]);
  const history = {
    publishes: record.publishes,
    clients: clients.map((client) => client.record),
    logs: new Map([['the log', log]]),
  };
  return { problems: problemsOf(history), counts: sumOf(clients.map(({ counts }) => counts)) };
}

function sumOf(all: readonly Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all) for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

forEachAdapter((adapter) => {
  describe(`${CLIENTS} clients that disconnect and reconnect, and ${NOTIFICATIONS} notifications (seed ${SEED})`, () => {
    test(
      'every client gets every notification of its topics once and in order',
      async () => {
        const { problems, counts } = await check(await startLibrary(adapter));
        expect(problems.slice(0, 20)).toEqual([]);
        // Checks that clients did disconnect; otherwise the test would prove little.
        process.stdout.write(`platform-${adapter.name}: ${JSON.stringify(counts)}\n`);
        expect(counts.left).toBeGreaterThan(CLIENTS);
        expect(counts.full).toBeGreaterThan(CLIENTS);
        expect(counts.blocks).toBeGreaterThan(CLIENTS);
      },
      CHECK_MS_MAX,
    );
  });
}, ONE_ADAPTER);

forEachAdapter(
  (adapter) => {
    test(
      'the check finds the losses of a handler that races a Subject against a timer',
      async () => {
        const { problems } = await check(await startNaive(adapter));
        expect(problems.filter(({ kind }) => kind === 'lost').length).toBeGreaterThan(CLIENTS);
      },
      CHECK_MS_MAX,
    );
  },
  [express],
);
