import { describe, expect, test } from '@jest/globals';
import {
  type ArgumentsHost,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  ClassSerializerInterceptor,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { NotificationsException, NotificationsModule, type Page } from 'nest-notifications';
import { catchError, map, type Observable, of, take, tap, throwError, timeout } from 'rxjs';
import { forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { Connection } from '../support/http/connection.js';
import { holdPoll, numbers, poll, post, publish } from '../support/http/feed.js';
import { namesOf, SseReader } from '../support/http/sse.js';
import { until } from '../support/time/until.js';

const ITEM = { topic: 'orders', type: 'numbered', data: { n: 1 } };

/** An interceptor that wraps every response of an application in an envelope. */
class Envelope implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data, meta: 'envelope' })));
  }
}

class Recorder implements NestInterceptor {
  readonly seen: unknown[] = [];

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(tap((value: unknown) => this.seen.push(value)));
  }
}

/**
 * A strict global pipe that does not know this route: it rejects objects, and changes other values.
 */
class StrictPipe implements PipeTransform {
  transform(value: unknown): unknown {
    if (typeof value === 'object' && value !== null) throw new BadRequestException('unknown parameters');
    return String(value);
  }
}

/** Answers errors in a form of the application's own. */
@Catch()
class Teapot implements ExceptionFilter {
  readonly caught: unknown[] = [];

  catch(error: unknown, host: ArgumentsHost): void {
    this.caught.push(error);
    const status = error instanceof HttpException ? error.getStatus() : 500;
    const code = error instanceof NotificationsException ? error.code : String(error);
    // Both adapters have these headers.
    const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>();
    response.status(status).send({ teapot: code });
  }
}

/**
 * A substitute for class-transformer, which would treat a page as an instance and omit properties
 * that are not exposed.
 */
const transformerPackage = {
  plainToInstance: (_class: unknown, plain: object) => plain as never,
  classToPlain: (instance: unknown) => ({ serialized: typeof instance }),
};

/** Sends each kind of request: polls with and without notifications, a stream, a publish. */
async function exchange(app: TestApp): Promise<unknown> {
  const start = app.service.cursor();
  const empty = await poll(app, 'topic=orders&wait=0');
  const held = await holdPoll(app, 'topic=orders');
  const reader = await SseReader.open(app, `topic=orders&cursor=${start}`);
  const published = await post(app, { ...ITEM, id: 'id-1' });
  const first = await reader.opening();
  const block = await reader.next();
  return {
    empty: keys(empty.json),
    news: await held
      .response()
      .then(({ json }) => [keys(json), keys(json.notifications[0]), json.notifications[0].data]),
    stream: [namesOf(first), JSON.parse(block.data!).data],
    published: [published.status, keys(published.json), published.json.ids],
    etags: [empty, published].map((message) => message.header('etag')),
  };
}

function keys(value: object): string[] {
  return Object.keys(value);
}

forEachAdapter((adapter) => {
  const startWith = (configure: (nest: INestApplication) => unknown): Promise<TestApp> =>
    startApp(adapter, { notifications: OPEN, configure });

  describe('the answers are the same bytes', () => {
    test.each<[what: string, configure: (nest: INestApplication) => unknown]>([
      ['an interceptor that wraps responses', (nest) => nest.useGlobalInterceptors(new Envelope())],
      [
        'two interceptors that wrap responses, and a recorder between them',
        (nest) => nest.useGlobalInterceptors(new Envelope(), new Recorder(), new Envelope()),
      ],
      [
        'a ClassSerializerInterceptor',
        (nest) =>
          nest.useGlobalInterceptors(new ClassSerializerInterceptor(nest.get(Reflector), { transformerPackage })),
      ],
      ['a pipe that validates', (nest) => nest.useGlobalPipes(new StrictPipe())],
      [
        'all of these together',
        (nest) =>
          nest.useGlobalPipes(new StrictPipe()).useGlobalInterceptors(new Envelope()).useGlobalFilters(new Teapot()),
      ],
    ])('with %s', async (_, configure) => {
      const plain = await exchange(await startWith(() => undefined));
      expect(plain).toMatchObject({
        empty: ['notifications', 'cursor', 'more'],
        news: [['notifications', 'cursor', 'more'], ['id', 'topic', 'type', 'time', 'data'], { n: 1 }],
        published: [201, ['ids', 'duplicates', 'duplicate', 'cursor'], [expect.stringMatching(/^[\w-]{32}$/)]],
        etags: [undefined, undefined],
      });
      expect(await exchange(await startWith(configure))).toEqual(plain);
    });

    test('in applications that share a module, with interceptors or without', async () => {
      const imports = [NotificationsModule.forRoot(OPEN)];
      const wrapping = (nest: INestApplication): unknown => nest.useGlobalInterceptors(new Envelope());
      const answers: unknown[] = [];
      for (const configure of [() => undefined, wrapping, () => undefined]) {
        answers.push(await exchange(await startApp(adapter, { imports, configure })));
      }
      expect(answers.slice(1)).toEqual([answers[0], answers[0]]);
    });
  });

  describe('an interceptor', () => {
    test('sees the page of a poll, when it is answered', async () => {
      const recorder = new Recorder();
      const app = await startWith((nest) => nest.useGlobalInterceptors(recorder));
      const held = await holdPoll(app, 'topic=orders');
      expect(recorder.seen).toEqual([]);
      await publish(app, 'orders');
      const { json } = await held.response();
      expect(recorder.seen).toEqual([json]);
    });

    test('sees every page of a stream, and the result of a publish', async () => {
      const recorder = new Recorder();
      const app = await startWith((nest) => nest.useGlobalInterceptors(recorder));
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      await publish(app, 'orders', 2);
      await until(() => (recorder.seen as Page[]).flatMap(({ notifications }) => notifications).length === 2);
      await reader.close();
      recorder.seen.length = 0;
      const { json } = await post(app, ITEM);
      expect(recorder.seen).toEqual([json]);
    });

    test('cannot change the pages of other clients', async () => {
      class Vandal implements NestInterceptor {
        intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
          return next.handle().pipe(
            tap((page: { notifications: { data: { n: number } }[] }) => {
              for (const notification of page.notifications) notification.data.n = -1;
            }),
          );
        }
      }
      const app = await startWith((nest) => nest.useGlobalInterceptors(new Vandal()));
      await publish(app, 'orders');
      for (let i = 0; i < 2; i++) {
        const { json } = await poll(app, 'topic=orders&cursor=earliest');
        expect(numbers(json.notifications)).toEqual([1]);
      }
      // The interceptor received the error after the answer was sent.
      expect(app.logs.splice(0).join()).toContain('read only property');
    });

    test('with a timeout answers with its own text, and the waiter is released', async () => {
      class Impatient implements NestInterceptor {
        intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
          const late = () => throwError(() => new HttpException('too slow', 408));
          return next.handle().pipe(timeout({ first: 200, with: late }));
        }
      }
      const app = await startWith((nest) => nest.useGlobalInterceptors(new Impatient()));
      const response = await poll(app, 'topic=orders');
      expect(response.status).toBe(408);
      expect(app.counts().waiters).toBe(0);
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.rest();
      expect(app.counts().waiters).toBe(0);
    });

    test('an interceptor that completes ends the stream', async () => {
      class Brief implements NestInterceptor {
        intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
          return next.handle().pipe(take(1));
        }
      }
      const app = await startWith((nest) => nest.useGlobalInterceptors(new Brief()));
      const reader = await SseReader.open(app, 'topic=orders');
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders');
      await until(() => app.counts().waiters === 0);
      await reader.rest();
    });

    test('may answer instead of the handler', async () => {
      class Maintenance implements NestInterceptor {
        intercept(): Observable<unknown> {
          return of({ maintenance: true });
        }
      }
      const app = await startWith((nest) => nest.useGlobalInterceptors(new Maintenance()));
      for (const accept of ['application/json', 'text/event-stream']) {
        const connection = await Connection.open(app);
        connection.send({ path: '/notifications?topic=orders&wait=0', headers: { Accept: accept } });
        const { status, json } = await connection.response();
        expect({ status, json }).toEqual({ status: 200, json: { maintenance: true } });
      }
      const published = await post(app, ITEM);
      expect({ status: published.status, json: published.json }).toEqual({ status: 201, json: { maintenance: true } });
      expect((await poll(app, 'topic=orders&cursor=earliest')).json).toEqual({ maintenance: true });
    });
  });

  test('an interceptor can replace errors by answers', async () => {
    class Soothing implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return next.handle().pipe(catchError((error: NotificationsException) => of({ instead: error.code })));
      }
    }
    const app = await startApp(adapter, {
      notifications: { ...OPEN, limits: { waitersMax: 1 } },
      configure: (nest) => nest.useGlobalInterceptors(new Soothing()),
    });
    await holdPoll(app, 'topic=orders');
    const { status, json } = await poll(app, 'topic=orders');
    expect({ status, json }).toEqual({ status: 200, json: { instead: 'waiters_too_many' } });
  });

  describe('an exception filter', () => {
    test('receives an HttpException with status and code', async () => {
      const teapot = new Teapot();
      const app = await startWith((nest) => nest.useGlobalFilters(teapot));
      const refused = [await poll(app, 'topic='), await post(app, '{'), await post(app, [])];
      await holdPoll(app, 'topic=orders');
      expect(refused.map(({ status, json }) => [status, json])).toEqual([
        [400, { teapot: 'topic_invalid' }],
        [400, { teapot: 'body_invalid' }],
        [400, { teapot: 'body_invalid' }],
      ]);
      expect(teapot.caught.every((error) => error instanceof NotificationsException)).toBe(true);
      expect(teapot.caught.every((error) => error instanceof HttpException)).toBe(true);
      for (const message of refused) expect(message.header('cache-control')).toContain('no-store');
    });

    test('receives the error of a busy node, after the headers are set', async () => {
      const app = await startApp(adapter, {
        notifications: { ...OPEN, limits: { waitersMax: 1 } },
        configure: (nest) => nest.useGlobalFilters(new Teapot()),
      });
      await holdPoll(app, 'topic=orders');
      const response = await poll(app, 'topic=orders');
      expect([response.status, response.json]).toEqual([503, { teapot: 'waiters_too_many' }]);
      expect(response.header('retry-after')).toMatch(/^[1-3]$/);
      expect(response.header('cache-control')).toContain('no-store');
    });
  });

  describe('a global guard', () => {
    test('is called before access', async () => {
      let asked = 0;
      class Unauthorized implements CanActivate {
        canActivate(): boolean {
          throw new HttpException('who are you?', 401);
        }
      }
      const access = { topics: () => [`${asked++}`], read: () => asked++ >= 0, publish: () => asked++ >= 0 };
      const configure = (nest: INestApplication) => nest.useGlobalGuards(new Unauthorized());
      const app = await startApp(adapter, { notifications: { access }, configure });
      const stream = { Accept: 'text/event-stream' };
      for (const response of [
        await poll(app, ''),
        await poll(app, 'topic=orders'),
        await poll(app, 'topic=orders', stream),
        await poll(app, 'topic='),
        await post(app, ITEM),
      ]) {
        expect(response.status).toBe(401);
      }
      expect(asked).toBe(0);
    });

    test('may set data on the request that access reads', async () => {
      class Authentication implements CanActivate {
        canActivate(context: ExecutionContext): boolean {
          const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: string }>();
          request.user = request.headers.authorization ?? 'nobody';
          return true;
        }
      }
      const access = {
        topics: ({ request }: { request: { user: string } }) => [`user.${request.user}`],
        read: ({ request }: { request: { user: string } }, topic: string) => topic === `user.${request.user}`,
      };
      const configure = (nest: INestApplication) => nest.useGlobalGuards(new Authentication());
      const app = await startApp(adapter, { notifications: { access }, configure });
      await publish(app, 'user.ann');
      const ann = { Authorization: 'ann' };
      const own = await poll(app, 'cursor=earliest', ann);
      expect(numbers(own.json.notifications)).toEqual([1]);
      expect((await poll(app, 'topic=user.ann&cursor=earliest', ann)).status).toBe(200);
      expect((await poll(app, 'topic=user.ann&cursor=earliest', { Authorization: 'bob' })).status).toBe(403);
    });
  });
});
