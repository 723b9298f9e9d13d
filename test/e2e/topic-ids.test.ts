import { expect, test } from '@jest/globals';
import { type AccessContext, NotificationsModule, topicOf } from 'nest-notifications';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { poll } from '../support/http/feed.js';

interface Request {
  headers: Record<string, string>;
}

const access = {
  subscriber: ({ request }: AccessContext<Request>) => decodeURIComponent(request.headers['x-user'] ?? ''),
  topics: ({ subscriber = '' }: AccessContext<Request>) => [topicOf('user', subscriber)],
  read: { 'user.:id': ({ subscriber }: AccessContext<Request>, { id }: { id?: string }) => id === subscriber },
};

forEachAdapter((adapter) => {
  test.each(['ann', 'auth0|5f', 'bob+x', 'Zoë', 'a.b@example.com', '~7C', '🙂'])(
    'the caller %s reads its own topic, named or not, and no other one',
    async (id) => {
      const app = await startApp(adapter, { imports: [NotificationsModule.forRoot({ access })] });
      const headers = { 'X-User': encodeURIComponent(id) };
      await app.service.publish(topicOf('user', id), { type: 't', data: id });
      for (const query of ['', `topic=${encodeURIComponent(topicOf('user', id))}&`]) {
        const { json } = await poll(app, `${query}cursor=earliest&wait=0`, headers);
        expect(json.notifications).toMatchObject([{ data: id }]);
      }
      for (const other of [topicOf('user', `${id}x`), 'user.~61nn', 'user.~7C', 'user.~7c5f']) {
        if (other === topicOf('user', id)) continue;
        expect((await poll(app, `topic=${other}&wait=0`, headers)).json.code).toBe('forbidden');
      }
    },
  );
}, ONE_ADAPTER);
