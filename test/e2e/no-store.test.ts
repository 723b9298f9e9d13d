import { describe, expect, test } from '@jest/globals';
import { type CanActivate, type INestApplication, UnauthorizedException, VersioningType } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { OPEN, startApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';

const NO_STORE = 'no-cache, no-store';

const refusing: CanActivate = {
  canActivate: () => {
    throw new UnauthorizedException();
  },
};

forEachAdapter((adapter) => {
  describe('no answer may be kept by a cache:', () => {
    test.each([
      ['a guard of the application refuses', { providers: [{ provide: APP_GUARD, useValue: refusing }] }, 401],
      [
        'a guard of the application returns false',
        { providers: [{ provide: APP_GUARD, useValue: { canActivate: () => false } }] },
        403,
      ],
      ['a guard of the module refuses', { notifications: { ...OPEN, guards: [refusing] } }, 401],
    ])('%s', async (_, options, status) => {
      const app = await startApp(adapter, { notifications: OPEN, ...options });
      for (const message of [
        { path: '/notifications?topic=a' },
        { path: '/notifications?topic=a', headers: { Accept: 'text/event-stream' } },
        { path: '/notifications', method: 'POST' },
        { path: '/notifications?topic=a', method: 'HEAD' },
      ]) {
        const answer = await request(app, message);
        expect([answer.status, answer.header('cache-control')]).toEqual([status, NO_STORE]);
      }
    });

    test('below a prefix and a version too', async () => {
      const app = await startApp(adapter, {
        notifications: { ...OPEN, guards: [refusing], version: '2', path: 'feed' },
        configure: (nest: INestApplication) => {
          nest.setGlobalPrefix('api');
          nest.enableVersioning({ type: VersioningType.URI });
        },
      });
      const answer = await request(app, { path: '/api/v2/feed?topic=a' });
      expect([answer.status, answer.header('cache-control')]).toEqual([401, NO_STORE]);
    });

    test('other routes are not changed', async () => {
      const app = await startApp(adapter, { notifications: OPEN });
      for (const path of ['/other', '/notifications/other']) {
        const answer = await request(app, { path });
        expect([answer.status, answer.header('cache-control')]).toEqual([404, undefined]);
      }
    });
  });
}, ONE_ADAPTER);
