import { describe, expect, test } from '@jest/globals';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp } from '../support/http/app.js';
import { holdPoll, poll, post } from '../support/http/feed.js';

const HEADER = 'notifications-error';

/** Writes errors in a form of the application's own, without a `code`. */
@Catch(HttpException)
class OwnForm implements ExceptionFilter {
  catch(error: HttpException, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>();
    response.status(error.getStatus()).send({ ok: false, text: error.message });
  }
}

forEachAdapter((adapter) => {
  describe('the header Notifications-Error', () => {
    test('contains the code of an error, also if a custom filter writes the answer', async () => {
      // The direct lane is off in applications with exception filters.
      const withoutLane = { ...adapter, options: {} };
      const app = await startApp(withoutLane, {
        notifications: OPEN,
        configure: (nest) => nest.useGlobalFilters(new OwnForm()),
      });
      const answers = [
        await poll(app, 'topic=orders&cursor=nonsense'),
        await poll(app, 'topic=orders&limit=0', { Accept: 'text/event-stream' }),
        await post(app, []),
        await post(app, '{'),
        await post(app, { topic: 'orders', type: 't', data: 1 }, { 'Content-Type': 'text/plain' }),
      ];
      expect(answers.map((answer) => [answer.status, answer.json.ok, answer.header(HEADER)])).toEqual([
        [400, false, 'cursor_invalid'],
        [400, false, 'limit_invalid'],
        [400, false, 'body_invalid'],
        [400, false, 'body_invalid'],
        [415, false, 'media_type_unsupported'],
      ]);
    });

    test('is on every error of the module, with the same code as the body', async () => {
      const app = await startApp(adapter, { notifications: { ...OPEN, limits: { waitersMax: 1 } } });
      await holdPoll(app, 'topic=orders');
      for (const answer of [
        await poll(app, 'topic=orders'),
        await poll(app, 'topic='),
        await poll(app, 'topic=orders', { Accept: 'image/png' }),
        await post(app, '{'),
      ]) {
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.header(HEADER)).toBe(answer.json.code);
      }
    });

    test('is absent from pages', async () => {
      const app = await startApp(adapter);
      expect((await poll(app, 'topic=orders&wait=0')).header(HEADER)).toBeUndefined();
    });
  });
}, ADAPTERS_AND_LANE);
