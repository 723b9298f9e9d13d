import { describe, expect, test } from '@jest/globals';
import type { AccessRules } from 'nest-notifications';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { Connection, request } from '../support/http/connection.js';
import { until } from '../support/time/until.js';

const OWNED: Readonly<Record<string, readonly string[]>> = {
  ann: ['user.ann', 'inbox.ann'],
  bob: [],
  eve: ['$hidden'],
};
const ACCESS: AccessRules = {
  read: 'public',
  topics: ({ subscriber }) => [`user.${subscriber}`, 'shared'],
  ownedTopics: async (subscriber) => OWNED[subscriber] ?? [],
};
const TOPICS = 'topic=shared,user.ann,inbox.ann';

forEachAdapter((adapter) => {
  const start = async (access: AccessRules | 'public' = ACCESS, publishOnly = false): Promise<TestApp> => {
    const app = await startApp(adapter, { notifications: { access, publishOnly } });
    await app.service.publish('shared', { type: 't', data: 1 });
    await app.service.publish(
      'user.ann',
      [2, 3].map((data) => ({ type: 't', data })),
    );
    await app.service.publish('inbox.ann', { type: 't', data: 4 });
    await app.service.publish('shared', { type: 't', data: 5 });
    return app;
  };
  const data = async (app: TestApp, query: string): Promise<{ data: unknown[]; gap: unknown }> => {
    const { json } = await request(app, { path: `/notifications?${TOPICS}&${query}` });
    return { data: (json.notifications as { data: unknown }[]).map((one) => one.data), gap: json.gap };
  };

  describe('service.erase', () => {
    test('erases a topic for clients with any cursor, in both directions', async () => {
      const app = await start();
      const { json } = await request(app, { path: '/notifications?topic=user.ann&cursor=earliest&wait=0&limit=1' });
      expect(await app.service.erase({ topic: 'user.ann' })).toEqual({
        count: 2,
        topics: [{ topic: 'user.ann', count: 2 }],
      });
      expect(await data(app, 'cursor=earliest&wait=0')).toEqual({ data: [1, 4, 5], gap: undefined });
      expect(await data(app, `cursor=${json.cursor}&wait=0`)).toEqual({ data: [4, 5], gap: undefined });
      expect((await data(app, 'before=latest')).data).toEqual([5, 4, 1]);
      expect((await app.service.erase({ topic: 'user.ann' })).count).toBe(0);
    });

    test('erases the topics that a subscriber owns, and no shared topic', async () => {
      const app = await start();
      expect(await app.service.erase({ subscriber: 'ann' })).toEqual({
        count: 3,
        topics: [
          { topic: 'inbox.ann', count: 1 },
          { topic: 'user.ann', count: 2 },
        ],
      });
      expect((await data(app, 'cursor=earliest&wait=0')).data).toEqual([1, 5]);
      expect(await app.service.erase({ subscriber: 'bob' })).toEqual({ count: 0, topics: [] });
    });

    test('leaves a held poll open, which receives later notifications', async () => {
      const app = await start();
      const held = await Connection.open(app);
      held.send({ path: '/notifications?topic=user.ann&wait=20' });
      await until(() => app.counts().waiters === 1);
      await app.service.erase({ topic: 'user.ann' });
      await app.service.publish('user.ann', { type: 't', data: 6 });
      const { json } = await held.response();
      expect((json.notifications as { data: unknown }[]).map((one) => one.data)).toEqual([6]);
    });

    test('rejects targets that it cannot erase, and changes nothing', async () => {
      const app = await start();
      for (const topic of ['', '$revocations', '$erasures', 'user.*,x', 'a'.repeat(201), 7 as unknown as string]) {
        await expect(app.service.erase({ topic })).rejects.toMatchObject({ code: 'topic_invalid' });
      }
      await expect(app.service.erase({ subscriber: 'eve' })).rejects.toMatchObject({ code: 'topic_invalid' });
      for (const target of [
        {},
        { topic: 'a', subscriber: 'ann' },
        { subscriber: '' },
        { subscriber: 'a'.repeat(201) },
      ]) {
        await expect(app.service.erase(target as never)).rejects.toThrow(TypeError);
      }
      expect((await data(app, 'cursor=earliest&wait=0')).data).toEqual([1, 2, 3, 4, 5]);
    });

    test('needs the rule ownedTopics for a subscriber', async () => {
      const { ownedTopics: _, ...others } = ACCESS;
      for (const access of ['public', others] as const) {
        const app = await start(access);
        await expect(app.service.erase({ subscriber: 'ann' })).rejects.toMatchObject({ code: 'owned_topics_missing' });
        expect((await data(app, 'cursor=earliest&wait=0')).data).toEqual([1, 2, 3, 4, 5]);
      }
    });

    test('erases a topic, but no subscriber, on a feed that only publishes', async () => {
      const app = await start('public', true);
      expect((await app.service.erase({ topic: 'user.ann' })).count).toBe(2);
      await expect(app.service.erase({ subscriber: 'ann' })).rejects.toMatchObject({ code: 'publish_only' });
    });

    test('has no route', async () => {
      const app = await start({ ...ACCESS, publish: 'public' });
      const { status } = await request(app, { method: 'DELETE', path: '/notifications?topic=user.ann' });
      expect(status).toBeGreaterThanOrEqual(400);
      expect((await data(app, 'cursor=earliest&wait=0')).data).toEqual([1, 2, 3, 4, 5]);
    });
  });
});
