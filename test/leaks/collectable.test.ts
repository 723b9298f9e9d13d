import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { endTest } from '../support/http/cleanup.js';
import { Connection } from '../support/http/connection.js';
import { Random } from '../support/random.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';
import { Aborts, prepare } from './aborts.js';
import { ADAPTERS, WatchedNode } from './watched-node.js';

const CLIENTS = 20;
const POLLS = 5;
/** Collections take long on a busy machine. */
const SLOW_MS = 60_000;
const KINDS = ['observer', 'request', 'response', 'waiter'];

describe.each(ADAPTERS)('ended requests are garbage (%s)', (adapter) => {
  let node: WatchedNode;

  beforeAll(async () => {
    node = await WatchedNode.start(adapter);
    await prepare(node);
  }, SLOW_MS);
  // Objects that were watched before are forgotten.
  beforeEach(() => node.watch(true));
  afterEach(endTest);
  afterAll(() => node.stop());

  /** Nothing is held of what came, and much came. */
  async function expectGarbage(watchedMin: number): Promise<void> {
    await node.idle();
    const { alive, watched, timers } = await node.state();
    expect(watched).toBeGreaterThan(watchedMin);
    expect({ alive, timers }).toEqual({ alive: {}, timers: 0 });
  }

  test(
    'polls that were answered, and streams, once their connections are closed',
    async () => {
      const polls = await Promise.all(Array.from({ length: CLIENTS }, () => Connection.open(node)));
      const streams = await Promise.all(Array.from({ length: CLIENTS }, () => SseReader.open(node, 'topic=busy')));
      for (const poll of polls) poll.send({ path: '/notifications?topic=busy&wait=50' });
      await until(async () => (await node.counts()).waiters === 2 * CLIENTS);
      const waiting = await node.state();
      for (const kind of KINDS) expect(waiting.alive[kind]).toBeGreaterThanOrEqual(CLIENTS);
      await node.publish('busy');
      for (const poll of polls) expect((await poll.response()).status).toBe(200);
      for (const stream of streams) await stream.next();
      await Promise.all([...polls, ...streams.map(({ connection }) => connection)].map((one) => one.destroy()));
      await expectGarbage(2 * KINDS.length * CLIENTS - 1);
    },
    SLOW_MS,
  );

  test(
    'clients that left in any phase',
    async () => {
      await new Aborts(node.port, new Random(2)).run(10 * CLIENTS, CLIENTS);
      await expectGarbage(10 * CLIENTS);
    },
    SLOW_MS,
  );

  test(
    'polls that were answered, while their connections stay open',
    async () => {
      const connections = await Promise.all(Array.from({ length: CLIENTS }, () => Connection.open(node)));
      let cursor = 'latest';
      for (let round = 0; round < POLLS; round++) {
        for (const one of connections) one.send({ path: `/notifications?cursor=${cursor}&topic=busy&wait=50` });
        await until(async () => (await node.counts()).waiters === CLIENTS);
        await node.publish('busy');
        for (const one of connections) ({ cursor } = (await one.response()).json);
      }
      const { alive, watched } = await node.state();
      expect(watched).toBeGreaterThanOrEqual(POLLS * CLIENTS * 2);
      // Of a connection that may take the direct lane, what one poll came with may be held; it does
      // not become more.
      for (const kind of ['waiter', 'observer'])
        expect(alive[kind] ?? 0).toBeLessThanOrEqual(adapter === 'lane' ? CLIENTS : 0);
      for (const kind of ['request', 'response']) expect(alive[kind] ?? 0).toBeLessThanOrEqual(CLIENTS);
      await Promise.all(connections.map((one) => one.destroy()));
      await expectGarbage(POLLS * CLIENTS);
    },
    SLOW_MS,
  );
});
