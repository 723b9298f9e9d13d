import { headers } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Store } from '../../src/core/store.js';
import { encodeHeader, endPosition, PART_HEADER, subjectOf } from '../../src/stores/nats/layout.js';
import { inDepth } from '../support/depth.js';
import { natsMissing, NatsServer } from '../support/engines/nats.js';
import { Nodes, STREAM } from '../support/stores/nats.js';
import { draft, newDraft } from '../support/drafts.js';
import { until } from '../support/time/until.js';

const TOPICS = 10_000;
/**
 * A log of this length exceeds one block of the server's files. The server searches a block for the
 * next message of a topic.
 */
const SMALL = 100_000;
const LARGE = 1_000_000;
/** Filling the log takes about a minute. */
const testInDepth = inDepth(test.skip, test);
const FLUSH_EVERY = 10_000;
const PAGE = 20;
const ROUNDS = 30;
/** A page ends early after half of this time. Here it must be full, also on a busy machine. */
const TIMEOUT_MS = 60_000;

(natsMissing() ? describe.skip : describe)(`nats store with ${LARGE} notifications over ${TOPICS} topics`, () => {
  let server: NatsServer;
  let nodes: Nodes;

  beforeAll(async () => {
    server = await NatsServer.start();
    nodes = new Nodes(server);
  });
  afterAll(async () => {
    await nodes.close();
    await server.stop();
  });

  testInDepth(
    'the cost of a page does not depend on the length of the log',
    async () => {
      const { nc, jsm } = await nodes.operator();
      // The store creates the stream. No node follows it while it is filled.
      const maker = await nodes.open();
      await maker.append([newDraft('first')]);
      await maker.close();
      const { config } = await jsm.streams.info(STREAM);
      const prefix = config.subjects[0]!.replace(/\.>$/, '');

      const filled = async (from: number, to: number): Promise<void> => {
        await fill(nc, prefix, { from, to });
        await until(async () => (await jsm.streams.info(STREAM)).state.last_seq === to, 120_000);
      };
      await filled(2, SMALL);
      const smallMs = await bestMs(await nodes.open({ timeoutMs: TIMEOUT_MS }));
      await filled(SMALL + 1, LARGE);
      const largeMs = await bestMs(await nodes.open({ timeoutMs: TIMEOUT_MS }));

      expect(largeMs).toBeLessThan(smallMs * 3);
      console.info(
        `nats: a page of ${PAGE} in ${smallMs.toFixed(1)} ms at ${SMALL}, ${largeMs.toFixed(1)} ms at ${LARGE}`,
      );
    },
    300_000,
  );

  /** The cost of a page: the fastest round. The other rounds also waited for a busy machine. */
  async function bestMs(store: Store): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const topics = Array.from({ length: 4 }, (_, index) => `topic-${(round * 37 + index * 101) % TOPICS}`);
      const startMs = performance.now();
      // Each topic has ten notifications in the shorter log, so the page is full in both.
      const { entries } = await store.read({ topics, after: 0, limit: PAGE, bytesMax: 2 ** 20 });
      times.push(performance.now() - startMs);
      expect(entries).toHaveLength(PAGE);
      expect(entries.every(({ topic }) => topics.includes(topic))).toBe(true);
    }
    await store.close();
    return Math.min(...times);
  }
});

/** Publishes commits of one notification each, in the store's layout, in turn to all topics. */
async function fill(
  nc: NatsConnection,
  prefix: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  for (let sequence = from; sequence <= to; sequence++) {
    const { id, topic, json } = draft(`n${sequence}`, { topic: `topic-${sequence % TOPICS}` });
    const part = {
      commit: id,
      index: 1,
      parts: 1,
      drafts: 1,
      floor: endPosition(sequence - 1),
      members: [0],
      ids: [id],
    };
    const header = headers();
    header.set(PART_HEADER, encodeHeader(part));
    nc.publish(subjectOf(prefix, topic), json, { headers: header });
    if (sequence % FLUSH_EVERY === 0 || sequence === to) await nc.flush();
  }
}
