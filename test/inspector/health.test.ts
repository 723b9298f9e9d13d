import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { CanActivate } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { NotificationsModule, NotificationsService, type StoreFactory } from 'nest-notifications';
import { type InspectorState, NotificationsInspectorModule } from 'nest-notifications/inspector';
import type { Store } from 'nest-notifications/store';
import { DRAFT_LIMITS, makeDraft } from '../../src/core/draft.js';
import { Inspector } from '../../src/inspector/inspector.js';
import { SCANNED_TOPICS_MAX } from '../../src/inspector/top-topics.js';
import { ManualClock } from '../../src/testing/index.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { watchedStore } from '../support/watched-store.js';

class Guard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** A memory store whose reads wait while a test holds them. */
function gatedStore() {
  const { store: open } = watchedStore();
  const held: ((error?: Error) => void)[] = [];
  const gate = { isHeld: false, isTailStuck: false, held, inner: undefined as Store | undefined };
  const store: StoreFactory = async (runtime) => {
    const inner = (gate.inner = await open(runtime));
    return {
      ...inner,
      read: async (query) => {
        if (gate.isHeld) {
          await new Promise<void>((resolve, reject) => {
            held.push((error) => (error ? reject(error) : resolve()));
          });
        }
        return inner.read(query);
      },
      tail: (after, onAppended) =>
        inner.tail(after, (batch) => {
          if (!gate.isTailStuck) onAppended(batch);
        }),
    };
  };
  return { store, gate };
}

async function open({ alwaysOn = false } = {}) {
  const clock = new ManualClock();
  const { store, gate } = gatedStore();
  const module = await Test.createTestingModule({
    imports: [
      NotificationsModule.forRoot({ access: 'public', clock, store }),
      NotificationsInspectorModule.forRoot({ guards: [Guard], alwaysOn }),
    ],
  }).compile();
  atTestEnd(() => module.close());
  await module.init();
  const inspector = module.get(Inspector, { strict: false });
  const service = module.get<NotificationsService>(NotificationsService, { strict: false });
  const feedOf = async () => (JSON.parse(await inspector.state(undefined)) as InspectorState).feeds[0]!;
  return { clock, gate, inspector, service, feedOf };
}

afterEach(endTest);

describe('the health of a feed', () => {
  test('is that of the first check for all requests that wait for it', async () => {
    const { clock, gate, feedOf } = await open();
    gate.isHeld = true;
    const asked = [feedOf(), feedOf()];
    await clock.settle();
    expect(gate.held).toHaveLength(1);
    gate.held[0]!(new Error('down'));
    expect((await Promise.all(asked)).map(({ health }) => health)).toEqual(['store_unavailable', 'store_unavailable']);
  });

  test('is `draining` if the application ends during the check', async () => {
    const { clock, gate, inspector } = await open();
    gate.isHeld = true;
    const asked = inspector.state(undefined);
    await clock.settle();
    inspector.onApplicationShutdown();
    gate.held[0]?.();
    await expect(asked).rejects.toMatchObject({ code: 'draining' });
  });

  test('is `store_unavailable` while a check takes longer than an interval, and checks do not overlap', async () => {
    const { clock, gate, feedOf } = await open();
    gate.isHeld = true;
    const first = feedOf();
    await clock.advance(5_000);
    expect((await first).health).toBe('store_unavailable');
    await clock.advance(20_000);
    expect(gate.held).toHaveLength(1);
    expect((await feedOf()).health).toBe('store_unavailable');
    gate.isHeld = false;
    gate.held[0]!();
    await clock.advance(1_000);
    expect((await feedOf()).health).toBe('ready');
  });
});

describe('the figures of the store', () => {
  test('leave out the reads of the inspector', async () => {
    const { clock, inspector, service, feedOf } = await open({ alwaysOn: true });
    await service.publish('orders', { id: 'a', type: 'x', data: 1 });
    await clock.advance(30_000);
    await inspector.explain({ id: 'a', feed: undefined, topic: 'orders' });
    await inspector.explain({ id: 'b', feed: undefined, topic: 'orders' });
    const { calls } = (await feedOf()).store;
    const counts = Object.fromEntries(calls.map(({ operation, count }) => [operation, count]));
    expect(counts).toMatchObject({ append: 1, read: 0, lookup: 0 });
  });

  test('have the lag of a stuck tail on a node without publishes', async () => {
    const { clock, gate, feedOf } = await open();
    await feedOf();
    gate.isTailStuck = true;
    const item = { topic: 'orders', type: 'x', data: 1 };
    await gate.inner!.append([makeDraft(item, new Date(clock.now()), DRAFT_LIMITS)]);
    await clock.advance(20_000);
    expect((await feedOf()).store.tailLagMs).toBeGreaterThanOrEqual(10_000);
  });
});

test('published topics have their waiters above the limit of scanned topics', async () => {
  const { clock, service, feedOf } = await open();
  await feedOf();
  const topics = Array.from({ length: SCANNED_TOPICS_MAX + 1 }, (_, n) => `t${n}`);
  const reads = [];
  for (let n = 0; n < topics.length; n += 50) {
    reads.push(service.follow({ topics: topics.slice(n, n + 50) }).subscribe());
  }
  await service.publish(topics.at(-1)!, { type: 'x', data: 1 });
  await clock.advance(1_000);
  const { byPublishes, complete } = (await feedOf()).topTopics;
  for (const one of reads) one.unsubscribe();
  expect({ byPublishes, complete }).toMatchObject({
    byPublishes: [{ topic: topics.at(-1), waiters: 1 }],
    complete: false,
  });
});
