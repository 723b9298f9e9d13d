import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { Engine } from '../../src/stores/nats/engine.js';
import { Follower } from '../../src/stores/nats/follower.js';
import { LogStart } from '../../src/stores/nats/log-start.js';
import { natsSettings } from '../../src/stores/nats/options.js';
import { Pages } from '../../src/stores/nats/pages.js';
import { Outage } from '../../src/stores/shared/unavailable.js';
import { describeOnServer, everything, STREAM } from '../support/stores/nats.js';
import { newDraft } from '../support/drafts.js';

const TOPICS = Array.from({ length: 20 }, (_, at) => `topic-${at}`);
const ARRAYS = 10;
const ENTRIES = TOPICS.length * ARRAYS;
/**
 * Per topic a batch and a check for more; per array a check of its last part; and the state of the
 * log.
 */
const REQUESTS_MAX = 2 * TOPICS.length + ARRAYS + 5;

describeOnServer(
  'a page of the nats store',
  (on) => {
    test('is read in batches if the server can', async () => {
      const store = await on.nodes.open();
      for (let array = 0; array < ARRAYS; array++) await store.append(TOPICS.map((topic) => newDraft(topic)));
      const settings = natsSettings({ connection: { servers: on.server.servers }, stream: STREAM, timeoutMs: 10_000 });
      const engine = await Engine.connect(settings, systemClock);
      const outage = new Outage('nats', { warn: () => undefined, error: () => undefined });
      const handlers = { onVisible: () => undefined, onEpoch: () => undefined };
      const follower = new Follower({ engine, clock: systemClock, settings, outage, ...handlers });
      await follower.start();
      const requests = counted(engine);
      const start = new LogStart(engine);
      const pages = new Pages({ engine, follower, start, clock: systemClock, timeoutMs: settings.timeoutMs });
      const query = { topics: TOPICS, after: 0, limit: ENTRIES, bytesMax: 2 ** 24 };
      const { entries } = await pages.read(query);
      const count = requests();
      if (engine.canBatch) expect(count).toBeLessThanOrEqual(REQUESTS_MAX);
      else expect(count).toBeGreaterThan(ENTRIES);
      expect(entries).toHaveLength(ENTRIES);
      // Small pages, and the tail, find the same entries in the same order.
      expect(await smallPages(pages)).toEqual(entries);
      expect((await pages.chunk(0)).entries).toEqual(entries.slice(0, (await pages.chunk(0)).entries.length));
      expect(await everything(store, TOPICS)).toEqual(entries);
      await follower.close();
      await engine.close();
    });
  },
  ['nats-newest'],
);

async function smallPages(pages: Pages) {
  const entries = [];
  for (let after = 0; ; after = entries.at(-1)?.position ?? 0) {
    const page = await pages.read({ topics: TOPICS, after, limit: 7, bytesMax: 500 });
    entries.push(...page.entries);
    if (!page.more) return entries;
  }
}

/** Counts the reads of an engine from now on. */
function counted(engine: Engine): () => number {
  let count = 0;
  const [get, getBatch] = [engine.get.bind(engine), engine.getBatch.bind(engine)];
  engine.get = (...args) => {
    count++;
    return get(...args);
  };
  engine.getBatch = (query) => {
    count++;
    return getBatch(query);
  };
  return () => count;
}
