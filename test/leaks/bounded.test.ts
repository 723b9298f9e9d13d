import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { Connection, request, requestText } from '../support/http/connection.js';
import { inDepth } from '../support/depth.js';
import { turn, until } from '../support/time/until.js';
import { ADAPTERS, WatchedNode } from './watched-node.js';

/**
 * The memory that callers with valid requests can occupy, at default options. The heap of its
 * process is limited.
 */

const MIB = 1024 * 1024;
const HEAP_MIB = 160;
const GROWTH_MAX_BYTES = 64 * MIB;
const UNREAD_BYTES_MAX = 32 * MIB;
const CURSORS = 2_000;
/** Their bytes are several times the bound of the cache of shared pages. */
const PAGES = inDepth(60, 150);
const STREAMS = inDepth(30, 60);
/** Their answers take 30 MB, more than the kernel buffers. */
const REQUESTS = inDepth(4_000, 10_000);
/** The lane runs on Express. */
const NODES = inDepth<readonly (typeof ADAPTERS)[number][]>(['fastify', 'lane'], ADAPTERS);
/** More than the kernel buffers for a client. */
const POLLS = 6;
const SLOW_MS = 120_000;

const pathOf = (cursor: string, query = 'limit=1000&wait=0'): string =>
  `/notifications?topic=orders&cursor=${cursor}&${query}`;

describe.each(NODES)('memory is bounded in bytes (%s)', (adapter) => {
  let node: WatchedNode;
  let cursors: string[];
  let usedBytes: number;

  beforeAll(async () => {
    node = await WatchedNode.start(adapter, 'defaults', [`--max-old-space-size=${HEAP_MIB}`]);
    cursors = await node.cursors(CURSORS);
    await request(node, { path: pathOf(cursors[0]!) });
    ({ usedBytes } = await node.state());
  }, SLOW_MS);
  afterEach(endTest);
  afterAll(() => node.stop());

  const grownBytes = async (): Promise<number> => (await node.state()).usedBytes - usedBytes;

  /** Connections that ask for several large pages each, and read none. */
  async function stall(count: number, headersOf: (index: number) => Record<string, string>): Promise<Connection[]> {
    const connections: Connection[] = [];
    for (let index = 0; index < count; index++) {
      const connection = await Connection.open(node);
      connection.socket.pause();
      for (let sent = 0; sent < POLLS; sent++) {
        const path = pathOf(cursors[(index * POLLS + sent) % CURSORS]!);
        connection.socket.write(requestText({ path, headers: headersOf(index) }));
      }
      connections.push(connection);
    }
    return connections;
  }

  test(
    'when one client reads a page at each of very many cursors',
    async () => {
      const connection = await Connection.open(node);
      for (let at = 0; at < PAGES; at++) {
        connection.send({ path: pathOf(cursors[at * 3]!) });
        expect((await connection.response()).json.notifications.length).toBeGreaterThan(20);
      }
      // The cache of shared pages with their bodies, and nothing else.
      expect(await grownBytes()).toBeLessThan(16 * MIB);
    },
    SLOW_MS,
  );

  test(
    'when streams start at very many cursors',
    async () => {
      for (let at = 0; at < STREAMS; at++) {
        const connection = await Connection.open(node);
        connection.send({ path: pathOf(cursors[at * 3]!, ''), headers: { Accept: 'text/event-stream' } });
        const head = await connection.head();
        await connection.when(() => head.text.includes('padded'), 'a notification');
        await connection.destroy();
      }
      expect(await grownBytes()).toBeLessThan(16 * MIB);
    },
    SLOW_MS,
  );

  test(
    'when connections of one subscriber do not read; they only use the subscriber’s limit',
    async () => {
      const stalled = await stall(20, () => ({ 'X-User': 'mallory' }));
      await until(async () => (await node.counts()).unreadBytes > UNREAD_BYTES_MAX / 2);
      const { unreadBytes } = await node.counts();
      expect(unreadBytes).toBeLessThanOrEqual(UNREAD_BYTES_MAX);
      expect(await grownBytes()).toBeLessThan(GROWTH_MAX_BYTES);
      const other = await request(node, { path: pathOf(cursors[1]!), headers: { 'X-User': 'ann' } });
      expect([other.status, other.json.notifications.length > 0]).toEqual([200, true]);
      await Promise.all(stalled.map((connection) => connection.destroy()));
      await node.idle();
      expect(await grownBytes()).toBeLessThan(16 * MIB);
    },
    SLOW_MS,
  );

  test(
    'when connections of very many callers do not read, while others are served',
    async () => {
      const stalled = await stall(30, (index) => ({ 'X-User': `user-${index}` }));
      await until(async () => (await node.counts()).unreadBytes > UNREAD_BYTES_MAX / 2);
      const { unreadBytes } = await node.counts();
      expect(unreadBytes).toBeLessThanOrEqual(UNREAD_BYTES_MAX);
      expect(await grownBytes()).toBeLessThan(GROWTH_MAX_BYTES);
      const reading = await Connection.open(node);
      let cursor = cursors[0]!;
      for (let read = 0; read < 5; read++) {
        reading.send({ path: pathOf(cursor), headers: { 'X-User': 'ann' } });
        const { json } = await reading.response();
        expect(json.notifications.length).toBeGreaterThan(0);
        ({ cursor } = json as { cursor: string });
      }
      await reading.destroy();
      await Promise.all(stalled.map((connection) => connection.destroy()));
      await node.idle();
      expect(await grownBytes()).toBeLessThan(16 * MIB);
    },
    SLOW_MS,
  );

  test(
    `when one connection sends ${REQUESTS} requests and reads nothing; then it reads every answer, in order`,
    async () => {
      const order: string[] = [];
      const connection = await Connection.open(node);
      const ask = (index: number): void => {
        connection.send({ path: pathOf(cursors[index % (CURSORS - 1)]!, 'limit=1&wait=0') });
      };
      // Two polls that are alike open the lane.
      for (let index = 0; index < 3; index++) {
        ask(index);
        await connection.response();
      }
      connection.socket.pause();
      for (let index = 0; index < REQUESTS; index++) {
        ask(index);
        // In pieces of their own, as far as the server reads them.
        if (index % 8 === 0) await turn();
      }
      await until(async () => (await node.counts()).unreadConnections === 1);
      const { warnings } = await node.state();
      expect([warnings, (await grownBytes()) < GROWTH_MAX_BYTES]).toEqual([[], true]);
      connection.socket.resume();
      const reading = atTestEnd(() => connection.destroy());
      for (let index = 0; index < REQUESTS; index++) {
        const { json } = await connection.response();
        expect(json.cursor).toBeDefined();
        const [first] = json.notifications as { id: string }[];
        order.push(first?.id ?? '');
      }
      expect(order).toEqual(Array.from({ length: REQUESTS }, (_, index) => order[index % (CURSORS - 1)]));
      expect(new Set(order).size).toBe(CURSORS - 1);
      expect((await node.state()).warnings).toEqual([]);
      reading();
      await connection.destroy();
    },
    SLOW_MS,
  );
});
