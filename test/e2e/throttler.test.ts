import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Answer, Limits } from './throttler-child.js';

const CHILD = fileURLToPath(new URL('throttler-child.ts', import.meta.url));
const HOOKS = new URL('../../scripts/typescript-hooks.mjs', import.meta.url).href;

const CASES = {
  throttler: { throttlerMax: 2, perMinuteMax: 100 },
  skipped: { throttlerMax: 1, perMinuteMax: 100, skip: true },
  own: { throttlerMax: 100, perMinuteMax: 1 },
} satisfies Record<string, Limits>;

describe.each(['express', 'fastify'])('beside the guard of @nestjs/throttler, on %s', (adapter) => {
  let answers: Record<keyof typeof CASES, Answer[]>;

  beforeAll(async () => {
    const args = ['--import', HOOKS, CHILD, adapter, JSON.stringify(CASES)];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect(stderr).toBe('');
    answers = JSON.parse(stdout);
  });

  test('the throttler refuses requests over its limit', () => {
    expect(answers.throttler.map(({ status }) => status)).toEqual([201, 201, 429]);
    expect(answers.throttler[2]).toMatchObject({ message: 'ThrottlerException: Too Many Requests' });
    expect(Number(answers.throttler[2]?.retryAfter)).toBeGreaterThan(0);
  });

  test('the throttler skips a feed that is decorated with SkipThrottle', () => {
    expect(answers.skipped.map(({ status }) => status)).toEqual([201, 201, 201]);
  });

  test('the rate limit for publishing refuses requests over its own limit', () => {
    expect(answers.own.map(({ status, code }) => [status, code])).toEqual([
      [201, undefined],
      [429, 'publish_too_fast'],
      [429, 'publish_too_fast'],
    ]);
  });
});
