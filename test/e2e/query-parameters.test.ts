import { beforeEach, expect, test } from '@jest/globals';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';

interface GuardedRequest {
  readonly query?: { readonly topic?: unknown };
}

const seen: unknown[] = [];
/** A guard that decides by the query. `docs/access.md` advises against it. */
const watching: CanActivate = {
  canActivate: (context: ExecutionContext) => {
    seen.push(context.switchToHttp().getRequest<GuardedRequest>().query?.topic);
    return true;
  },
};
const READ = 'topic=user.ann&cursor=earliest&wait=0';

beforeEach(() => {
  seen.length = 0;
});

forEachAdapter((adapter) => {
  const start = (): Promise<TestApp> =>
    startApp(adapter, {
      notifications: { guards: [watching], access: { read: 'public', retract: 'public' } },
    });
  const notificationsOf = async (app: TestApp, path: string): Promise<unknown> => {
    const { status, json } = await request(app, { path });
    return status === 200 ? (json.notifications as unknown[]).length : json.code;
  };

  test('a target with a fragment, which hides parameters from guards, is refused', async () => {
    const app = await start();
    await app.service.publish('user.ann', { type: 't', data: 1 });
    expect(await notificationsOf(app, `/notifications?${READ}`)).toBe(1);
    for (const path of [`/notifications?x=1#&${READ}`, `/notifications?${READ}#`]) {
      expect(await notificationsOf(app, path)).toBe('query_invalid');
    }
    const retraction = { method: 'DELETE', path: '/notifications/mine#/theirs?topic=user.ann' };
    const { status, json } = await request(app, retraction);
    expect([status, json.code]).toEqual([400, 'query_invalid']);
  });

  test('guards see the topic after the maximum number of parameters; more are refused', async () => {
    const app = await start();
    await app.service.publish('user.ann', { type: 't', data: 1 });
    const after = (count: number): string => `/notifications?${'a&'.repeat(count)}${READ}`;
    expect(await notificationsOf(app, after(997))).toBe(1);
    expect(seen).toEqual(['user.ann']);
    expect(await notificationsOf(app, after(998))).toBe('query_invalid');
  });
});
