import { expect, jest, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { redisStore } from '../../src/stores/redis/index.js';

// Native modules can be replaced before they are first loaded, and the store loads its library when it is opened.
jest.unstable_mockModule('ioredis', () => {
  throw new Error("Cannot find package 'ioredis'");
});

test('without ioredis, redisStore says what to install', async () => {
  const logger = { warn: () => undefined, error: () => undefined };
  const opening = Promise.resolve(redisStore({ connection: 'redis://localhost' })({ clock: systemClock, logger }));
  await expect(opening).rejects.toThrow('redisStore needs the package ioredis: npm install ioredis');
});
