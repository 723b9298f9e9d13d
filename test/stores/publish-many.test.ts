import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import type { LogEntry } from '../../src/core/notification.js';
import { PublishTracing } from '../../src/core/publish-tracing.js';
import type { Store } from '../../src/core/store.js';
import { openStore } from '../../src/demo/store.js';
import { PublishManyError, type PublishManyProgress } from '../../src/index.js';
import { type ManyItems, ManyPublisher } from '../../src/nest/publishing/many-publisher.js';
import { resolveSettings } from '../../src/nest/settings.js';
import { type EngineKind, ENGINES, RETENTION, type SharedEngine } from '../support/engines/shared.js';
import { openMemoryStore } from '../support/memory.js';
import { until } from '../support/time/until.js';

const COUNT = 230;
const CHUNK = 50;
const SETTINGS = resolveSettings({ publish: { notificationsMax: CHUNK } });
const ID = 'release-7';
const topicsOf = (owner: string): string[] => Array.from({ length: COUNT }, (_, n) => `${owner}.${n}`);

const publish = (store: Store, topics: readonly string[], more: Partial<ManyItems> = {}) => {
  const publisher = new ManyPublisher({
    store,
    settings: SETTINGS,
    schemas: {},
    clock: systemClock,
    tracing: new PublishTracing(),
  });
  return publisher.publish({ topics, notification: { id: ID, type: 'release', data: { version: 7 } }, ...more });
};

/** The topics of the copies, in the order of the log. */
const publishedTo = async (store: Store, topics: readonly string[]): Promise<readonly string[]> => {
  const found: LogEntry[] = [];
  for (let more = true; more;) {
    const page = await store.read({ topics, after: found.at(-1)?.position ?? 0, limit: 1_000, bytesMax: 2 ** 24 });
    found.push(...page.entries);
    ({ more } = page);
  }
  return found.map(({ topic }) => topic);
};

/** A store whose second append is done, but its answer is lost. */
const losingAnAnswer = (store: Store): Store => {
  let appends = 0;
  return {
    append: async (drafts) => {
      const result = await store.append(drafts);
      if (++appends === 2) throw new Error('the answer was lost');
      return result;
    },
    read: (query) => store.read(query),
    tail: (after, onAppended) => store.tail(after, onAppended),
    remove: (query) => store.remove(query),
    close: () => store.close(),
  };
};

async function checkResume(store: Store): Promise<void> {
  const topics = topicsOf('user');
  const stopped: unknown = await publish(losingAnAnswer(store), topics).catch((error: unknown) => error);
  expect(stopped).toBeInstanceOf(PublishManyError);
  expect(stopped).toMatchObject({ progress: { topics: CHUNK } });
  expect(await publish(store, topics)).toEqual({ id: ID, topics: COUNT, duplicates: 2 * CHUNK });
  expect(await publishedTo(store, topics)).toEqual(topics);
}

test('publishMany on the memory store continues after a lost answer', async () => {
  const store = await openMemoryStore();
  await checkResume(store);
  await store.close();
});

describe.each<EngineKind>(Object.values(ENGINES))('publishMany on $name', ({ missing, start }) => {
  const testHere = missing() === undefined ? test : test.skip;
  let engine: SharedEngine | undefined;
  let store: Store;
  beforeAll(async () => {
    if (missing() !== undefined) return;
    engine = await start();
    const logger = { warn: () => undefined, error: () => undefined };
    store = await openStore(engine.store(), RETENTION)({ clock: systemClock, logger });
  }, 60_000);
  afterAll(async () => {
    if (!engine) return;
    await store.close();
    await engine.stop();
  });

  testHere('continues after a lost answer', () => checkResume(store));

  testHere('continues after a crash of the engine, and each topic has one copy', async () => {
    const topics = topicsOf('device');
    const onProgress = async (progress: PublishManyProgress): Promise<void> => {
      if (progress.topics === 2 * CHUNK) await engine?.crash?.();
    };
    // The store may reject while it reconnects. Each attempt continues after the last one.
    let done = await publish(store, topics, { onProgress }).catch(() => undefined);
    await until(async () => {
      done ??= await publish(store, topics).catch(() => undefined);
      return done !== undefined;
    });
    expect(done).toMatchObject({ topics: COUNT });
    expect((await publishedTo(store, topics)).toSorted()).toEqual(topics.toSorted());
  });
});
