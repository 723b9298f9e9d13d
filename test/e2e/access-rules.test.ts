import { describe, expect, test } from '@jest/globals';
import { Inject, Injectable, Module } from '@nestjs/common';
import { type AccessContext, type AccessRules, NotificationsModule } from 'nest-notifications';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { type AppOptions, startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { holdPoll, numbers, poll, publish } from '../support/http/feed.js';
import { SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

type Headers = Record<string, string | undefined>;
interface UserRequest {
  headers: Headers;
}

const AS_ANN = { 'X-User': 'ann' };
const AS_BOB = { 'X-User': 'bob' };
const subscriber = ({ request }: { request: UserRequest }) => request.headers['x-user'];

/** The topics of each user, as application code knows them. */
@Injectable()
class Members {
  readonly orgs = new Map([['ann', new Set(['acme'])]]);
}

@Module({ providers: [Members], exports: [Members] })
class MembersModule {}

@Injectable()
class MemberRules implements AccessRules<UserRequest> {
  constructor(@Inject(Members) readonly members: Members) {}

  subscriber({ request }: { request: UserRequest }): string | undefined {
    return request.headers['x-user'];
  }

  read({ subscriber = '' }: AccessContext<UserRequest>, topic: string): boolean {
    return this.members.orgs.get(subscriber)?.has(topic) === true;
  }
}

@Module({ imports: [MembersModule], providers: [MemberRules], exports: [MemberRules] })
class RulesModule {}

const PROVIDED: [what: string, options: AppOptions['imports']][] = [
  ['a class, made by Nest', [NotificationsModule.forRoot({ access: MemberRules, imports: [MembersModule] })]],
  [
    'a class, from forRootAsync',
    [
      NotificationsModule.forRootAsync({
        imports: [MembersModule],
        useFactory: () => ({ access: MemberRules }),
      }),
    ],
  ],
  ['useClass', [NotificationsModule.forRoot({ access: { useClass: MemberRules }, imports: [MembersModule] })]],
  ['useExisting', [NotificationsModule.forRoot({ access: { useExisting: MemberRules } }), RulesModule]],
  [
    'useFactory',
    [
      NotificationsModule.forRoot({
        access: {
          inject: [Members],
          useFactory: (members: Members) => new MemberRules(members),
        },
      }),
      MembersModule,
    ],
  ],
];

forEachAdapter((adapter) => {
  describe('rules may be', () => {
    test.each(PROVIDED)('%s', async (_, imports) => {
      const app = await startApp(adapter, { imports });
      await publish(app, 'acme');
      expect((await poll(app, 'topic=acme&cursor=earliest', AS_ANN)).json.notifications).toHaveLength(1);
      expect((await poll(app, 'topic=acme&cursor=earliest', AS_BOB)).status).toBe(403);
    });

    test('the application does not start if a dependency of the rules class is missing', async () => {
      const imports = [NotificationsModule.forRoot({ access: MemberRules })];
      await expect(startApp(adapter, { imports })).rejects.toThrow(/Members/);
    });

    test('the application does not start if the provider is not an access class', async () => {
      const imports = [NotificationsModule.forRoot({ access: { useFactory: () => ({ read: true }) as never } })];
      await expect(startApp(adapter, { imports })).rejects.toThrow(/option access\.read is true/);
    });
  });

  describe('patterns', () => {
    const access = {
      subscriber,
      read: {
        'user.:id': ({ subscriber: who }: AccessContext<UserRequest>, { id }: Readonly<Record<string, string>>) =>
          id === who,
        'org.:org.*': ({ request }: AccessContext<UserRequest>, { org }: Readonly<Record<string, string>>) =>
          Promise.resolve(request.headers['x-org'] === org),
        news: true as const,
      },
    };

    test.each([
      ['user.ann', 200],
      ['user.bob', 403],
      ['user.', 403],
      ['user.ann.more', 403],
      ['org.acme.orders.7', 200],
      ['org.acme', 403],
      ['org.evil.orders', 403],
      ['news', 200],
      ['news,user.bob', 403],
      ['none', 403],
    ])('%s: %i', async (topic, status) => {
      const app = await startApp(adapter, { notifications: { access } });
      expect((await poll(app, `topic=${topic}&wait=0`, { ...AS_ANN, 'X-Org': 'acme' })).status).toBe(status);
    });
  });

  describe('rights that are revoked while a client waits', () => {
    const granted = new Set<string>();
    const access = { subscriber, read: (_: unknown, topic: string) => granted.has(topic) };
    const start = (): Promise<TestApp> => {
      for (const topic of ['a', 'b']) granted.add(topic);
      return startApp(adapter, { notifications: { access } });
    };

    test('a held poll ends without the notification, and the next is refused', async () => {
      const app = await start();
      const cursor = app.service.cursor();
      const held = await holdPoll(app, `topic=a,b&cursor=${cursor}`);
      granted.delete('a');
      await publish(app, 'a');
      const { status, json } = await held.response();
      expect([status, json.notifications, json.cursor]).toEqual([200, [], cursor]);
      expect((await poll(app, `topic=a,b&cursor=${cursor}`)).json.code).toBe('forbidden');
    });

    test('a stream ends and its client is rejected; after access is restored, the client receives the missed notifications', async () => {
      const app = await start();
      const stream = await SseReader.open(app, 'topic=a,b');
      await stream.opening();
      granted.delete('a');
      await publish(app, 'a', 1, 1);
      await publish(app, 'b', 1, 2);
      await stream.rest();
      expect(stream.text).not.toContain('numbered');
      expect((await poll(app, 'topic=a,b', { Accept: 'text/event-stream' })).status).toBe(403);
      granted.add('a');
      const again = await SseReader.open(app, 'topic=a,b', { 'Last-Event-ID': stream.lastId });
      expect(numbers(await again.notifications(2))).toEqual([1, 2]);
    });

    test('`read` is called again for own topics', async () => {
      const app = await startApp(adapter, {
        notifications: {
          access: { topics: () => ['a', 'b'], read: (_: unknown, topic: string) => granted.has(topic) },
        },
      });
      for (const topic of ['a', 'b']) granted.add(topic);
      const cursor = app.service.cursor();
      const held = await holdPoll(app, `cursor=${cursor}`);
      granted.delete('a');
      await publish(app, 'a');
      const { notifications, cursor: same } = (await held.response()).json;
      expect([notifications, same]).toEqual([[], cursor]);
      expect((await poll(app, `cursor=${cursor}`)).json.code).toBe('forbidden');
    });

    test('a rule that fails at delivery ends the poll with an error, and the cursor stays valid', async () => {
      let fails = false;
      const read = (): boolean => {
        if (fails) throw new Error('no database');
        return true;
      };
      const app = await startApp(adapter, { notifications: { access: { read } } });
      const cursor = app.service.cursor();
      const held = await holdPoll(app, `topic=a&cursor=${cursor}`);
      fails = true;
      await publish(app, 'a');
      const { status, text } = await held.response();
      expect([status, text.includes('database')]).toEqual([500, false]);
      expect(app.logs.splice(0).join()).toContain('no database');
      fails = false;
      expect((await poll(app, `topic=a&cursor=${cursor}`)).json.notifications).toHaveLength(1);
    });

    test('own topics are determined again before each delivery', async () => {
      const own = new Set(['a', 'b']);
      const app = await startApp(adapter, { notifications: { access: { topics: () => [...own] } } });
      const held = await holdPoll(app, '');
      own.delete('a');
      await publish(app, 'a', 1, 1);
      await publish(app, 'b', 1, 2);
      const { notifications, cursor } = (await held.response()).json;
      expect(notifications).toEqual([]);
      expect(numbers((await poll(app, `cursor=${cursor}`)).json.notifications)).toEqual([2]);
    });
  });

  describe('revoke', () => {
    const access = { subscriber, read: 'public' as const };

    test('ends held polls and streams, of that subscriber alone', async () => {
      const app = await startApp(adapter, { notifications: { access } });
      const [anns, bobs] = [await holdPoll(app, 'topic=a', AS_ANN), await holdPoll(app, 'topic=a', AS_BOB)];
      const stream = await SseReader.open(app, 'topic=a', AS_ANN);
      await stream.opening();
      await app.service.revoke('ann');
      expect((await anns.response()).json.notifications).toEqual([]);
      await stream.rest();
      await publish(app, 'a');
      expect((await bobs.response()).json.notifications).toHaveLength(1);
      expect(stream.text).not.toContain('numbered');
    });

    test('with topics ends requests for one of these topics', async () => {
      const app = await startApp(adapter, { notifications: { access } });
      const [both, one] = [await holdPoll(app, 'topic=a,b', AS_ANN), await holdPoll(app, 'topic=b', AS_ANN)];
      await app.service.revoke('ann', ['a']);
      expect((await both.response()).json.notifications).toEqual([]);
      await publish(app, 'b', 1, 2);
      expect(numbers((await one.response()).json.notifications)).toEqual([2]);
    });

    test('rejects an invalid topic', async () => {
      const app = await startApp(adapter, { notifications: { access } });
      await expect(app.service.revoke('ann', ['a b'])).rejects.toMatchObject({ code: 'topic_invalid' });
    });

    test('reaches other nodes within a second', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-revoke-'));
      atTestEnd(() => {
        rmSync(folder, { recursive: true, force: true });
      });
      const store = () => sqliteStore({ path: join(folder, 'log.db') });
      const [near, far] = [
        await startApp(adapter, { notifications: { access, store: store() } }),
        await startApp(adapter, { notifications: { access, store: store() } }),
      ];
      const held = await holdPoll(far, 'topic=a', AS_ANN);
      const stream = await SseReader.open(far, 'topic=a', AS_ANN);
      await stream.opening();
      const startMs = performance.now();
      await near.service.revoke('ann');
      await near.service.publish('a', { type: 'secret', data: 1 });
      expect((await held.response()).json.notifications).toEqual([]);
      await stream.rest();
      expect(performance.now() - startMs).toBeLessThan(1_000);
      expect(stream.text).not.toContain('secret');
      await until(() => far.counts().subscribers === 0);
    });
  });
}, ADAPTERS_AND_LANE);
