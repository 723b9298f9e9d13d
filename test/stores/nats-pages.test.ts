import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import type { LogEntry } from '../../src/core/notification.js';
import { randomNumbers } from '../../src/testing/contract/random.js';
import { Engine } from '../../src/stores/nats/engine.js';
import { Follower } from '../../src/stores/nats/follower.js';
import { LogStart } from '../../src/stores/nats/log-start.js';
import { natsSettings } from '../../src/stores/nats/options.js';
import { Pages } from '../../src/stores/nats/pages.js';
import { Outage } from '../../src/stores/shared/unavailable.js';
import { describeOnServer, everything, type OnServer, STREAM } from '../support/stores/nats.js';
import { newDraft } from '../support/drafts.js';

const TOPICS = Array.from({ length: 20 }, (_, at) => `topic-${at}`);
const ARRAYS = 10;
const ENTRIES = TOPICS.length * ARRAYS;
/**
 * Per topic a batch and a check for more; per array a check of its last part; and the state of the
 * log.
 */
const REQUESTS_MAX = 2 * TOPICS.length + ARRAYS + 5;

/** Topics of one array. A pattern matches every second one. */
const MANY = 400;
/** The maximum number of messages that a page of ten notifications reads. */
const READ_MAX = 120;

describeOnServer(
  'a page of the nats store',
  (on) => {
    test('is read in batches if the server can', async () => {
      const store = await on.nodes.open();
      for (let array = 0; array < ARRAYS; array++) await store.append(TOPICS.map((topic) => newDraft(topic)));
      const { pages, engine, close } = await openPages(on);
      const reads = counted(engine);
      const query = { topics: TOPICS, after: 0, limit: ENTRIES, bytesMax: 2 ** 24 };
      const { entries } = await pages.read(query);
      const { requests } = reads;
      if (engine.canBatch) expect(requests).toBeLessThanOrEqual(REQUESTS_MAX);
      else expect(requests).toBeGreaterThan(ENTRIES);
      expect(entries).toHaveLength(ENTRIES);
      // Small pages, and the tail, find the same entries in the same order.
      expect(await smallPages(pages)).toEqual(entries);
      expect((await pages.chunk(0)).entries).toEqual(entries.slice(0, (await pages.chunk(0)).entries.length));
      expect(await everything(store, TOPICS)).toEqual(entries);
      await close();
    });

    test('of a pattern reads a small part of an array with many topics', async () => {
      // The flush of a large array takes long on a busy disk.
      const store = await on.nodes.open({ timeoutMs: 10_000 });
      const drafts = Array.from({ length: MANY }, (_, at) => newDraft(`${at % 2 === 0 ? 'p' : 'o'}.${at}`));
      const { appended } = await store.append(drafts);
      const matching = appended.filter((_, at) => at % 2 === 0);
      const { pages, engine, close } = await openPages(on);
      const reads = counted(engine);
      for (const at of [0, 17, MANY / 4, MANY / 2 - 11]) {
        const [bounds, position] = [{ topics: ['p.*'], limit: 10, bytesMax: 2 ** 24 }, matching[at]!.position];
        const ids = async (query: Parameters<typeof pages.read>[0]): Promise<string[]> => {
          reads.messages = 0;
          const { entries } = await pages.read(query);
          expect(reads.messages).toBeLessThanOrEqual(READ_MAX);
          return entries.map(({ id }) => id);
        };
        const idsAt = (from: number, to: number): string[] => matching.slice(Math.max(0, from), to).map(({ id }) => id);
        expect(await ids({ ...bounds, after: position })).toEqual(idsAt(at + 1, at + 11));
        expect(await ids({ ...bounds, before: position })).toEqual(idsAt(at - 10, at).reverse());
      }
      await close();
    });

    test('of a pattern is in order if the topics of long arrays alternate and one of them is removed', async () => {
      const store = await on.nodes.open();
      const random = randomNumbers(7);
      const topics = ['p.a', 'p.b', 'o', 'p.c', 'p.d', ...Array.from({ length: 30 }, (_, at) => `p.${at}`)];
      for (let array = 0; array < 3; array++) {
        const count = [5, topics.length][array % 2]!;
        await store.append(Array.from({ length: 70 }, () => newDraft(topics[random(count)])));
      }
      const { epoch, head } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
      await store.remove({ topic: 'p.b', upTo: head, epochId: epoch.id });
      const log = (await everything(store, topics)).map(positionOf);
      const matching = (await everything(store, topics.slice(0, 2).concat(topics.slice(3)))).map(positionOf);
      for (let round = 0; round < 40; round++) {
        const bounds = { topics: ['p.*'], limit: 1 + random(30), bytesMax: 2 ** 24 };
        const at = log[random(log.length)]! + random(2);
        const after = await store.read({ ...bounds, after: at });
        const before = await store.read({ ...bounds, before: at });
        expect(after.entries.map(positionOf)).toEqual(
          matching.filter((position) => position > at).slice(0, bounds.limit),
        );
        const older = matching.filter((position) => position < at).slice(-bounds.limit);
        expect(before.entries.map(positionOf)).toEqual(older.reverse());
      }
    });
  },
  ['nats-newest'],
);

const positionOf = ({ position }: LogEntry): number => position;

/** The pages of another node. */
async function openPages(on: OnServer): Promise<{ pages: Pages; engine: Engine; close: () => Promise<void> }> {
  const settings = natsSettings({ connection: { servers: on.server.servers }, stream: STREAM, timeoutMs: 10_000 });
  const engine = await Engine.connect(settings, systemClock);
  const outage = new Outage('nats', { warn: () => undefined, error: () => undefined });
  const handlers = { onVisible: () => undefined, onEpoch: () => undefined };
  const follower = new Follower({ engine, clock: systemClock, settings, outage, ...handlers });
  await follower.start();
  const start = new LogStart(engine);
  const pages = new Pages({ engine, follower, start, clock: systemClock, timeoutMs: settings.timeoutMs });
  return { pages, engine, close: () => follower.close().then(() => engine.close()) };
}

async function smallPages(pages: Pages) {
  const entries = [];
  for (let after = 0; ; after = entries.at(-1)?.position ?? 0) {
    const page = await pages.read({ topics: TOPICS, after, limit: 7, bytesMax: 500 });
    entries.push(...page.entries);
    if (!page.more) return entries;
  }
}

/** Counts the requests of an engine from now on, and the messages in their answers. */
function counted(engine: Engine): { requests: number; messages: number } {
  const counts = { requests: 0, messages: 0 };
  const [get, getBatch] = [engine.get.bind(engine), engine.getBatch.bind(engine)];
  engine.get = (...args) => {
    counts.requests++;
    counts.messages++;
    return get(...args);
  };
  engine.getBatch = async (query) => {
    counts.requests++;
    const messages = await getBatch(query);
    counts.messages += messages.length;
    return messages;
  };
  return counts;
}
