import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { Engine } from '../../src/stores/nats/engine.js';
import { Follower } from '../../src/stores/nats/follower.js';
import { LogStart } from '../../src/stores/nats/log-start.js';
import { natsSettings } from '../../src/stores/nats/options.js';
import { Pages } from '../../src/stores/nats/pages.js';
import { stepTowards } from '../../src/stores/nats/record-room.js';
import { repeated } from '../../src/stores/nats/repeated.js';
import { Outage } from '../../src/stores/shared/unavailable.js';
import { ManualClock } from '../../src/testing/index.js';
import { describeOnServer, page, STREAM } from '../support/stores/nats.js';
import { newDraft } from '../support/drafts.js';
import { until } from '../support/time/until.js';

const isFinal = ({ message }: Error): boolean => message === 'final';

describe('a request to a cluster without a leader', () => {
  const run = (clock: ManualClock, request: () => Promise<string>) =>
    repeated(request, { clock, everyMs: 500, withinMs: 5_000, isFinal, isWanted: () => true });

  test('is sent again until an answer arrives, and uses the first answer', async () => {
    const clock = new ManualClock();
    const answers: ((answer: string) => void)[] = [];
    const result = run(clock, () => new Promise((resolve) => answers.push(resolve)));
    await clock.advance(1_600);
    expect(answers).toHaveLength(4);
    answers[2]!('third');
    await expect(result).resolves.toBe('third');
    expect(clock.pendingTimers).toBe(0);
  });

  test.each([
    ['final', 1],
    ['no leader', 10],
  ])('fails at once with an answer, otherwise after its time limit: %s', async (message, count) => {
    const clock = new ManualClock();
    let requests = 0;
    const result = run(clock, () => {
      requests++;
      return Promise.reject(new Error(message));
    });
    const failed = expect(result).rejects.toThrow(message);
    await clock.advance(6_000);
    await failed;
    expect(requests).toBe(count);
    expect(clock.pendingTimers).toBe(0);
  });
});

test('lowers the limits of a stream in steps', () => {
  const target = { max_msgs: 100, max_bytes: 1_000 };
  const state = { messages: 50_000, bytes: 5_000_000 } as Parameters<typeof stepTowards>[1];
  expect(stepTowards(target, state)).toEqual({ max_msgs: 48_000, max_bytes: 4_800_000 });
  expect(stepTowards(target, { ...state, messages: 90, bytes: 900 })).toEqual(target);
});

describeOnServer('a node of the nats store', (on) => {
  test('keeps the epoch when a new leader answers before it has applied its log', async () => {
    const store = await on.nodes.open();
    await store.append([newDraft()]);
    const settings = natsSettings({ connection: { servers: on.server.servers }, stream: STREAM, timeoutMs: 2_000 });
    const engine = await Engine.connect(settings, systemClock);
    const outage = new Outage('nats', { warn: () => undefined, error: () => undefined });
    const handlers = { onVisible: () => undefined, onEpoch: () => undefined };
    const follower = new Follower({ engine, clock: systemClock, settings, outage, ...handlers });
    await follower.start();
    const { epoch } = follower.log;
    const open = engine.open.bind(engine);
    let stale = true;
    engine.open = async (config) => {
      const info = await open(config);
      if (!stale) return info;
      stale = false;
      return { ...info, state: { ...info.state, last_seq: info.state.last_seq - 1 } };
    };
    follower.recheck();
    await follower.ready(5_000);
    expect(stale).toBe(false);
    expect(follower.log.epoch).toEqual(epoch);
    expect((await page(store)).epoch.id).toBe(epoch.id);
    await follower.close();
    await engine.close();
  });

  test('opens and reads before it knows the newest ids, and appends after that', async () => {
    const first = await on.nodes.open();
    const drafts = [newDraft(), newDraft()];
    await first.append(drafts);
    const settings = natsSettings({ connection: { servers: on.server.servers }, stream: STREAM, timeoutMs: 2_000 });
    const engine = await Engine.connect(settings, systemClock);
    const outage = new Outage('nats', { warn: () => undefined, error: () => undefined });
    const handlers = { onVisible: () => undefined, onEpoch: () => undefined };
    const follower = new Follower({ engine, clock: systemClock, settings, outage, ...handlers });
    // The consumer exists, but its messages are held back.
    const held: (() => void)[] = [];
    const subscribe = engine.subscribe.bind(engine);
    engine.subscribe = (onMessage) => subscribe((message) => held.push(() => onMessage(message)));
    await follower.start();
    await follower.readable(1_000);
    const start = new LogStart(engine);
    const pages = new Pages({ engine, follower, start, clock: systemClock, timeoutMs: settings.timeoutMs });
    const query = { topics: ['orders'], after: 0, limit: 10, bytesMax: 2 ** 20 };
    expect((await pages.read(query)).entries.map(({ id }) => id)).toEqual(drafts.map(({ id }) => id));
    let isReady = false;
    const ready = follower.ready(5_000).then(() => (isReady = true));
    await until(() => held.length >= 1);
    expect(isReady).toBe(false);
    for (const release of held.splice(0)) release();
    await ready;
    expect(follower.ids.get(drafts[0]!.id)).toBeDefined();
    await follower.close();
    await engine.close();
  });

  test('a node that only reads remembers no more ids than idempotencyCount', async () => {
    const writer = await on.nodes.open();
    const connection = { servers: on.server.servers };
    const settings = natsSettings({ connection, stream: STREAM, timeoutMs: 2_000, idempotencyCount: 2 });
    const engine = await Engine.connect(settings, systemClock);
    const outage = new Outage('nats', { warn: () => undefined, error: () => undefined });
    const handlers = { onVisible: () => undefined, onEpoch: () => undefined };
    const follower = new Follower({ engine, clock: systemClock, settings, outage, ...handlers });
    await follower.start();
    await follower.ready(5_000);
    const drafts = Array.from({ length: 5 }, () => newDraft());
    for (const one of drafts) await writer.append([one]);
    await until(() => follower.ids.get(drafts[4]!.id) !== undefined);
    expect(drafts.map(({ id }) => follower.ids.get(id) !== undefined)).toEqual([false, false, false, true, true]);
    await follower.close();
    await engine.close();
  });

  test('appends while a lower retainCount removes messages', async () => {
    const store = await on.nodes.open();
    const topics = Array.from({ length: 500 }, (_, at) => `topic-${at}`);
    for (let round = 0; round < 14; round++) await store.append(topics.map((topic) => newDraft(topic)));
    await store.close();
    const limited = await on.nodes.open({ retainCount: 100 });
    await limited.append([newDraft()]);
    const { jsm } = await on.nodes.operator();
    const count = async () => (await jsm.streams.info(STREAM)).state.messages;
    // A step leaves most messages, so this node has not waited for the removal of all.
    expect(await count()).toBeGreaterThan(1_000);
    await until(async () => (await count()) <= 200);
  }, 30_000);
});
