import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { Feed } from '../../src/core/feed.js';
import type { LogPage } from '../../src/core/page.js';
import { retractionsIn, withoutRetractions } from '../../src/core/retraction.js';
import type { Store, StoreFactory } from '../../src/core/store.js';
import { openStore } from '../../src/demo/store.js';
import { draft, drafts } from '../support/drafts.js';
import { ENGINES, RETENTION, type SharedEngine } from '../support/engines/shared.js';
import { LIMITS, poll } from '../support/feed.js';
import { memoryNode, openMemoryStore } from '../support/memory.js';
import { until } from '../support/time/until.js';

const MEMORY = {
  name: 'the memory store',
  missing: () => undefined,
  start: async (): Promise<SharedEngine> => ({ port: undefined, store: () => 'memory', stop: async () => undefined }),
};

/** The window of a node holds one entry only, so old entries come from the store. */
const SMALL = { ...LIMITS, windowCount: 1 };

/** A node on a store. */
interface Node {
  readonly feed: Feed;
  readonly store: Store;
}

describe.each([MEMORY, ...Object.values(ENGINES)])('retractions on $name', ({ missing, start }) => {
  const run = missing() ? test.skip : test;
  const nodes: Node[] = [];
  let engine: SharedEngine;
  let factory: StoreFactory;
  let count = 0;
  let topic = '';

  beforeAll(async () => {
    if (missing()) return;
    engine = await start();
    const memory = openMemoryStore({}, systemClock);
    const runtime = engine.store();
    factory = runtime === 'memory' ? async () => memoryNode(await memory) : openStore(runtime, RETENTION);
  }, 60_000);

  afterEach(async () => {
    for (const { feed, store } of nodes.splice(0)) {
      await feed.close();
      await store.close();
    }
  });

  afterAll(async () => {
    if (!missing()) await engine.stop();
  });

  async function startNode(): Promise<Node> {
    const store = await factory({ clock: systemClock, logger: { warn: fail, error: fail } });
    const node = { store, feed: await Feed.open({ store, clock: systemClock, limits: SMALL }) };
    nodes.push(node);
    return node;
  }

  /** Resolves when the windows of all nodes have reached the end of the log. */
  async function caughtUp(): Promise<void> {
    const { head } = await nodes[0]!.store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    await until(() => nodes.every(({ feed }) => feed.window.head >= head));
  }

  /** All pages of the topic after a position, read with the given limit. */
  async function read(
    { feed }: Node,
    after = 0,
    limit = 2,
  ): Promise<{ ids: string[]; retracted: string[]; end: number }> {
    const { epoch } = feed.window;
    const pages: LogPage[] = [];
    for (let position = after, more = true; more; { position, more } = pages.at(-1)!) {
      const request = { topics: [topic], after: { epochId: epoch.id, position }, limit, waitMs: 0 };
      pages.push(await new Promise<LogPage>((next, error) => poll(feed, request).subscribe({ next, error })));
    }
    const entries = pages.flatMap((page) => page.entries);
    return {
      ids: withoutRetractions(entries).map(({ id }) => id.slice(topic.length)),
      retracted: retractionsIn(entries).map(({ id }) => id.slice(topic.length)),
      end: pages.at(-1)!.position,
    };
  }

  /** Resolves with the next page of the topic. */
  function next({ feed }: Node, after: number): Promise<LogPage> {
    const request = {
      topics: [topic],
      after: { epochId: feed.window.epoch.id, position: after },
      limit: 1,
      waitMs: 20_000,
    };
    return new Promise((resolve, error) => poll(feed, request).subscribe({ next: resolve, error }));
  }

  function begin(): void {
    topic = `t${++count}.`;
  }

  run('reach another node, a client that was away, and a node that starts later', async () => {
    begin();
    const [one, two] = [await startNode(), await startNode()];
    await one.store.append(drafts(5, topic, topic));
    await caughtUp();
    const before = await read(one);
    expect(before.ids).toEqual(['1', '2', '3', '4', '5']);
    const held = next(two, before.end);
    await one.feed.retract({ id: `${topic}2`, topic });
    expect(retractionsIn((await held).entries)).toEqual([{ id: `${topic}2`, topic }]);
    // An unrelated entry pushes the retraction out of the windows.
    await one.store.append([draft(`${topic}x`, { topic: 'other' })]);
    await caughtUp();
    const expected = { ids: ['1', '3', '4', '5'], retracted: ['2'] };
    expect(await read(one)).toMatchObject(expected);
    expect(await read(two)).toMatchObject(expected);
    expect(await read(two, before.end)).toMatchObject({ ids: [], retracted: ['2'] });
    expect(await read(await startNode(), 0, 1)).toMatchObject(expected);
  });

  run('that two nodes make at the same time are one', async () => {
    begin();
    const [one, two] = [await startNode(), await startNode()];
    await one.store.append(drafts(3, topic, topic));
    const retraction = { id: `${topic}1`, topic };
    await Promise.all([one.feed.retract(retraction), two.feed.retract(retraction), one.feed.retract(retraction)]);
    await two.feed.retract(retraction);
    await caughtUp();
    expect(await read(one)).toMatchObject({ ids: ['2', '3'], retracted: ['1'] });
  });
});

function fail(message: string): never {
  throw new Error(`the store has nothing to report, but says: ${message}`);
}
