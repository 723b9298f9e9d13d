import { describe, expect, test } from '@jest/globals';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { Connection, request, type Request } from '../support/http/connection.js';
import type { Message } from '../support/http/message.js';

const ORIGIN = 'https://app.example';
const ITEM = JSON.stringify({ topic: 'orders', type: 't', data: 1 });
const JSON_TYPE = { 'Content-Type': 'application/json' };

const ANSWERS: [what: string, request: Request, status: number][] = [
  ['a poll', { path: '/notifications?topic=orders&wait=0' }, 200],
  ['a stream', { path: '/notifications?topic=orders', headers: { Accept: 'text/event-stream' } }, 200],
  ['a HEAD', { method: 'HEAD', path: '/notifications?topic=orders' }, 200],
  ['a publish', { method: 'POST', headers: JSON_TYPE, body: ITEM }, 201],
  ['bad input', { path: '/notifications?topic=' }, 400],
  ['bad input of a stream', { path: '/notifications?topic=', headers: { Accept: 'text/event-stream' } }, 400],
  ['a refusal', { path: '/notifications?topic=secret' }, 403],
  ['a body that is not JSON', { method: 'POST', headers: JSON_TYPE, body: '{' }, 400],
  ['a body of another type', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'x' }, 415],
];

forEachAdapter((adapter) => {
  const start = (more: object = {}): Promise<TestApp> =>
    startApp(adapter, {
      notifications: { access: { read: (_, topic) => topic === 'orders', publish: 'public' }, ...more },
      configure: (nest) => nest.enableCors({ origin: [ORIGIN], credentials: true }),
    });

  function expectAllowed(message: Message): void {
    expect(message.header('access-control-allow-origin')).toBe(ORIGIN);
    expect(message.header('access-control-allow-credentials')).toBe('true');
    expect(message.header('vary')).toMatch(/\bOrigin\b/i);
  }

  describe('an application that allows credentials from another origin', () => {
    test.each(ANSWERS)('sends CORS headers on %s', async (_, wanted, status) => {
      const app = await start();
      const connection = await Connection.open(app);
      connection.send({ ...wanted, headers: { Origin: ORIGIN, ...wanted.headers } });
      const head = await connection.head();
      expect(head.status).toBe(status);
      expectAllowed(head);
      const isStream = head.header('content-type') === 'text/event-stream';
      expect(head.header('cache-control')).toBe(`no-cache, no-store${isStream ? ', no-transform' : ''}`);
    });

    test('sends CORS headers when the node is busy', async () => {
      const app = await start({ limits: { waitersMax: 1 } });
      const held = await Connection.open(app);
      held.send({ path: '/notifications?topic=orders', headers: { Accept: 'text/event-stream' } });
      await held.head();
      const refused = await request(app, { path: '/notifications?topic=orders', headers: { Origin: ORIGIN } });
      expect(refused.status).toBe(503);
      expectAllowed(refused);
    });

    test('answers a preflight without calling guards or access rules', async () => {
      const app = await startApp(adapter, {
        notifications: { ...OPEN, access: {}, guards: [{ canActivate: () => false }] },
        configure: (nest) => nest.enableCors({ origin: [ORIGIN], credentials: true }),
      });
      const preflight = await request(app, {
        method: 'OPTIONS',
        headers: {
          Origin: ORIGIN,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'content-type,idempotency-key',
        },
      });
      expect(preflight.status).toBe(204);
      expectAllowed(preflight);
      expect(preflight.header('access-control-allow-methods')).toMatch(/\bPOST\b/);
      expect(preflight.header('access-control-allow-headers')).toMatch(/idempotency-key/);
    });

    test('sends no CORS headers to an unknown origin', async () => {
      const app = await start();
      const headers = { Origin: 'https://evil.example' };
      const { rawHeaders } = await request(app, { path: '/notifications?topic=orders&wait=0', headers });
      expect(rawHeaders.find(([name]) => name.toLowerCase() === 'access-control-allow-origin')).toBeUndefined();
    });
  });

  test('headers that the application sets are kept on every kind of answer', async () => {
    class Tagging implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        // Express and Fastify. Fastify sets these headers only when it sends its own answer.
        const response = context.switchToHttp().getResponse<{ header(name: string, value: string): void }>();
        response.header('X-Guard', 'g-1');
        return true;
      }
    }
    const app = await startApp(adapter, {
      notifications: { ...OPEN, guards: [Tagging] },
      configure: (nest) =>
        nest.use((_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => {
          response.setHeader('X-Middleware', 'm-1');
          next();
        }),
    });
    for (const [, wanted] of ANSWERS.slice(0, 5)) {
      const connection = await Connection.open(app);
      connection.send(wanted);
      const head = await connection.head();
      expect([head.header('x-middleware'), head.header('x-guard')]).toEqual(['m-1', 'g-1']);
    }
  });
});
