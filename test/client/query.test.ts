import { afterEach, expect, test } from '@jest/globals';
import { METHODS } from 'node:http';
import { targetOf } from '../../src/client/url.js';
import { endTest } from '../support/http/cleanup.js';
import { errorOf, openFeed, startServer } from './servers.js';

afterEach(endTest);

const MANY = Array.from({ length: 200 }, (_, n) => `project.${n}.${'x'.repeat(50)}`);

test('a read has its parameters in the URL up to 7,000 characters', () => {
  const fits = targetOf({ url: '/notifications', topics: ['t'.repeat(6_979)] }, {});
  expect(fits.url).toHaveLength(7_000);
  expect(fits.body).toBeUndefined();
  const longer = targetOf({ url: '/notifications', topics: ['t'.repeat(6_980)] }, {});
  expect(longer.url).toBe('/notifications');
});

test('a longer read has all parameters in the body', () => {
  const { url, body } = targetOf({ url: '/notifications?key=1', topics: MANY, limit: 7 }, { cursor: 'c', wait: '25' });
  expect(url).toBe('/notifications?key=1');
  expect(JSON.parse(body!)).toEqual({ topic: MANY, cursor: 'c', wait: '25', limit: '7' });
});

// Node.js 20.19 does not know the method, so its own server answers with 400.
(METHODS.includes('QUERY') ? test : test.skip)('a server without QUERY ends the feed with its status', async () => {
  const methods: (string | undefined)[] = [];
  const origin = await startServer(({ method, headers }, response) => {
    methods.push(`${method} ${headers['content-type']}`);
    response.writeHead(404).end();
  });
  const feed = openFeed({ url: `${origin}/notifications`, topics: MANY });
  expect(await errorOf(feed)).toMatchObject({ status: 404 });
  expect(methods).toEqual(['QUERY application/json']);
});
