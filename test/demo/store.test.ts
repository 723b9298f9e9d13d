import { describe, expect, test } from '@jest/globals';
import { readEnvironment, settingsOf } from '../../src/demo/environment.js';

const shown = (STORE: string): string =>
  settingsOf(readEnvironment({ STORE })).find(({ name }) => name === 'STORE')!.value;

const refusal = (STORE: string): string => {
  try {
    readEnvironment({ STORE });
  } catch (error) {
    return String(error);
  }
  throw new Error('the value was accepted');
};

describe('the printed value of STORE', () => {
  test.each([
    ['memory', 'memory'],
    ['sqlite:data/log.db', 'sqlite:data/log.db'],
    ['redis://cache:6379/1', 'redis://cache:6379/1'],
    ['redis://:s3cret@cache:6379', 'redis://***@cache:6379'],
    ['rediss://bob:s3cret@cache/0', 'rediss://***@cache/0'],
    ['postgres://bob@db/app', 'postgres://***@db/app'],
    ['postgres://bob:s3@cret@db:5432/app', 'postgres://***@db:5432/app'],
    ['postgres://bob:s3%40cret@db/app', 'postgres://***@db/app'],
    ['postgresql://db/app?user=bob&password=s3cret', 'postgresql://db/app?***'],
    ['postgresql://db/app?sslmode=require#s3cret', 'postgresql://db/app?***'],
    ['nats://s3cret@[::1]:4222', 'nats://***@[::1]:4222'],
    ['postgres://bob:s3cret/with slash@db/app', 'postgres://***'],
    ['postgres://bob:s3cret@one:1,two:2/app', 'postgres://***'],
    ['postgres://bob:12/s3cret@db/app', 'postgres://***'],
    ['postgres://bob:12#s3cret@db/app', 'postgres://***'],
    ['redis://:s3@cret/x@cache', 'redis://***'],
  ])('%s is printed as %s', (store, text) => {
    expect(shown(store)).toBe(text);
  });

  test.each(['mysql://bob:s3cret@db/app', 'bob:s3cret@db', 'redis//:s3cret@db', 'Redis s3cret'])(
    '%s is rejected, and is not printed',
    (store) => {
      expect(refusal(store)).toMatch(/^Error: STORE is invalid; it must be memory, sqlite:PATH.*Its value is hidden/);
      expect(refusal(store)).not.toMatch(/s3cret|bob/);
    },
  );
});
