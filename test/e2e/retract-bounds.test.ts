import { afterEach, expect, test } from '@jest/globals';
import type { StoreFactory } from 'nest-notifications';
import { RECORDS_MAX } from '../../src/core/records.js';
import { retractionDrafts } from '../../src/core/retraction.js';
import { SHARES } from '../../src/core/retraction-set.js';
import { callerKey } from '../../src/wire/caller.js';
import { callerDigest } from '../../src/wire/idempotency.js';
import { memoryStore } from '../../src/stores/memory/memory-store.js';
import { express } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { request } from '../support/http/connection.js';

interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

afterEach(endTest);

/** A log that holds the maximum number of retractions of one subscriber. */
const fullOf =
  (subscriber: string): StoreFactory =>
  async (runtime) => {
    const store = await memoryStore()(runtime);
    const by = callerDigest(callerKey(subscriber, undefined));
    for (let at = 0; at < RECORDS_MAX * SHARES.caller; at++) {
      await store.append(await retractionDrafts({ id: `${at}`, topic: 'user.ann', by }, new Date(0)));
    }
    return store;
  };

test('a caller that has used up its retractions does not affect other callers or the application', async () => {
  const app = await startApp(express, {
    notifications: {
      store: fullOf('ann'),
      access: {
        subscriber: ({ request }: { request: UserRequest }) => request.headers['x-user'],
        read: 'public',
        retract: 'public',
      },
    },
  });
  const codeFor = async (user: string): Promise<unknown> => {
    const path = '/notifications/wrong?topic=user.ann';
    const response = await request(app, { method: 'DELETE', path, headers: { 'X-User': user } });
    return response.status === 204 ? response.status : response.json.code;
  };
  expect(await codeFor('ann')).toBe('retractions_too_many');
  expect(await codeFor('bob')).toBe(204);
  await app.service.retract('user.ann', 'also-wrong');
});

test('the readers of a retraction do not receive its caller', async () => {
  const app = await startApp(express, { notifications: { access: { read: 'public', retract: 'public' } } });
  const cursor = app.service.cursor();
  await request(app, { method: 'DELETE', path: '/notifications/a?topic=orders' });
  const { json } = await request(app, { path: `/notifications?topic=orders&cursor=${cursor}&wait=0` });
  expect(json.retracted).toEqual([{ id: 'a', topic: 'orders' }]);
});
