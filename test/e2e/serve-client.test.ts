import { describe, expect, test } from '@jest/globals';
import { type CallHandler, type CanActivate, type NestInterceptor, VersioningType } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { NotificationsModule } from 'nest-notifications';
import { InboxModule } from 'nest-notifications/inbox';
import * as client from 'nest-notifications/client';
import * as inboxElement from 'nest-notifications/client/inbox-element';
import * as tabs from 'nest-notifications/client/tabs';
import { map } from 'rxjs';
import { AppModule as InboxPageModule } from '../../examples/inbox-page.js';
import { AppModule as PageModule } from '../../examples/page.js';
import { ADAPTERS, express, fastify, forEachAdapter } from '../support/http/adapters.js';
import { OPEN, startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { WITH_FETCH } from '../support/http/event-source.js';

const SERVED = { ...OPEN, serveClient: true };
const ORIGIN = 'https://page.example';
const PATH = '/notifications/client.js';
const TABS_PATH = '/notifications/client/tabs.js';
const ELEMENT_PATH = '/notifications/client/inbox-element.js';

const refusing: CanActivate = { canActivate: () => false };

const get = (app: TestApp, headers = {}, path = PATH) => request(app, { path, headers });

forEachAdapter((adapter) => {
  describe('the served client', () => {
    test.each([PATH, TABS_PATH, ELEMENT_PATH])('is at %s with `serveClient` only', async (path) => {
      const app = await startApp(adapter, { notifications: OPEN });
      expect((await get(app, {}, path)).status).toBe(404);
      const serving = await startApp(adapter, { notifications: SERVED });
      const { status, rawHeaders, text } = await get(serving, {}, path);
      expect(status).toBe(200);
      expect(Object.fromEntries(rawHeaders)).toMatchObject({
        'Content-Type': 'text/javascript; charset=utf-8',
        'Cache-Control': 'no-cache',
        Vary: 'Accept-Encoding',
        'X-Content-Type-Options': 'nosniff',
        ETag: expect.stringMatching(/^"[\w-]{43}"$/),
        'Content-Length': String(Buffer.byteLength(text)),
      });
    });

    test.each([
      ['client', PATH, client],
      ['client/tabs', TABS_PATH, tabs],
      ['client/inbox-element', ELEMENT_PATH, inboxElement],
    ])('is a module without imports that has the exports of nest-notifications/%s', async (_, path, entry) => {
      const app = await startApp(adapter, { notifications: SERVED });
      const { text } = await get(app, {}, path);
      expect(text).not.toMatch(/\bimport\b/);
      const [, exported = ''] = /export\s*\{([^}]+)\};?\s*$/.exec(text) ?? [];
      const names = exported.split(',').map((name) => name.split(' as ').at(-1)?.trim());
      expect(names.sort()).toEqual(Object.keys(entry).sort());
    });

    test('is compressed for a caller that accepts it, with another ETag', async () => {
      const app = await startApp(adapter, { nest: WITH_FETCH, notifications: SERVED });
      const plain = await get(app, { 'Accept-Encoding': 'identity' });
      expect(plain.header('content-encoding')).toBeUndefined();
      expect((await get(app, { 'Accept-Encoding': 'gzip;q=0, identity' })).text).toBe(plain.text);
      // `fetch` decompresses the answer as a browser does.
      const response = await fetch(`http://127.0.0.1:${app.port}${PATH}`, { headers: { 'Accept-Encoding': 'gzip' } });
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(response.headers.get('etag')).not.toBe(plain.header('etag'));
      expect(Number(response.headers.get('content-length'))).toBeLessThan(8 * 1024);
      expect(await response.text()).toBe(plain.text);
    });

    test('answers a cache that already has the file with 304', async () => {
      const app = await startApp(adapter, { notifications: SERVED });
      const etag = (await get(app)).header('etag') ?? '';
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const answer = await get(app, { 'If-None-Match': known });
        expect({ known, status: answer.status }).toEqual({ known, status: 304 });
        expect([answer.header('etag'), answer.header('cache-control')]).toEqual([etag, 'no-cache']);
        expect([answer.header('content-type'), answer.header('content-encoding')]).toEqual([undefined, undefined]);
      }
      expect((await get(app, { 'If-None-Match': '"other"' })).status).toBe(200);
      // The compressed script is another representation.
      expect((await get(app, { 'If-None-Match': etag, 'Accept-Encoding': 'gzip' })).status).toBe(200);
    });

    test('has the same headers for HEAD, and allows no other method', async () => {
      const app = await startApp(adapter, { notifications: SERVED });
      const { rawHeaders } = await get(app);
      const head = await request(app, { method: 'HEAD', path: PATH });
      const lasting = (headers: typeof rawHeaders) => headers.filter(([name]) => name !== 'Date');
      expect(lasting(head.rawHeaders)).toEqual(lasting(rawHeaders));
      for (const method of ['POST', 'PUT']) {
        expect((await request(app, { method, path: PATH })).status).toBe(404);
      }
      // Here the path retracts the notification `client.js`, and no rule allows that.
      expect((await request(app, { method: 'DELETE', path: PATH })).status).toBe(403);
    });

    test('has the prefix, version and path of the feed, also without the built-in controller', async () => {
      const app = await startApp(adapter, {
        notifications: { ...SERVED, path: 'feed', version: '2', controller: false },
        configure: (nest) => nest.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
      });
      expect((await get(app, {}, '/api/v2/feed/client.js')).status).toBe(200);
      expect((await get(app, {}, '/feed/client.js')).status).toBe(404);
    });

    test('is served by a module with asynchronous options', async () => {
      const module = NotificationsModule.forRootAsync({ serveClient: true, useFactory: () => OPEN });
      const app = await startApp(adapter, { imports: [module] });
      expect((await get(app)).status).toBe(200);
    });

    test('is served by an inbox, below its path', async () => {
      const options = { access: { subscriber: () => undefined }, path: 'bell' };
      const start = (serveClient: boolean) =>
        startApp(adapter, {
          imports: [NotificationsModule.forRoot(OPEN), InboxModule.forRoot({ ...options, serveClient })],
        });
      expect((await get(await start(true), {}, '/bell/client/inbox-element.js')).status).toBe(200);
      expect((await get(await start(false), {}, '/bell/client/inbox-element.js')).status).toBe(404);
    });

    test('is public beside a closed feed, unless a guard of the application rejects the request', async () => {
      const closed = { serveClient: true, guards: [refusing] };
      const app = await startApp(adapter, { notifications: closed });
      expect((await get(app, {}, '/notifications?topic=a&wait=0')).status).toBe(403);
      expect((await get(app)).status).toBe(200);
      const guarded = await startApp(adapter, {
        notifications: SERVED,
        providers: [{ provide: APP_GUARD, useValue: refusing }],
      });
      expect((await get(guarded)).status).toBe(403);
    });

    test('is not changed by global interceptors of the application', async () => {
      class Wrapping implements NestInterceptor {
        intercept(_context: unknown, next: CallHandler) {
          return next.handle().pipe(map((data: unknown) => ({ data })));
        }
      }
      const app = await startApp(adapter, {
        notifications: SERVED,
        configure: (nest) => nest.useGlobalInterceptors(new Wrapping()).enableCors({ origin: [ORIGIN] }),
      });
      const answer = await get(app, { Origin: ORIGIN });
      expect(answer.text).toMatch(/export\s*\{[^}]+\};\s*$/);
      expect(answer.header('access-control-allow-origin')).toBe(ORIGIN);
      expect(answer.header('vary')).toBe('Origin, Accept-Encoding');
    });
  });
}, ADAPTERS);

forEachAdapter(
  (adapter) => {
    test.each([
      ['page', [PageModule]],
      ['inbox-page', [InboxPageModule, NotificationsModule.forRoot()]],
    ])('the example %s serves a page of HTML', async (_, imports) => {
      const page = await get(await startApp(adapter, { imports }), {}, '/');
      expect(page.header('content-type')).toBe('text/html; charset=utf-8');
    });
  },
  [express, fastify],
);
