import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  readonly retryAfter: string | null;
}

const CHILD = fileURLToPath(new URL('throttler-child.ts', import.meta.url));
const HOOKS = new URL('../../scripts/typescript-hooks.mjs', import.meta.url).href;

describe.each(['express', 'fastify'])('beside the guard of @nestjs/throttler, on %s', (adapter) => {
  const publishThrice = async (limits: {
    throttler: number;
    perMinuteMax: number;
    skip?: boolean;
  }): Promise<Answer[]> => {
    const child = [CHILD, adapter, String(limits.throttler), String(limits.perMinuteMax), limits.skip ? 'skip' : ''];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', HOOKS, ...child]);
    expect(stderr).toBe('');
    return JSON.parse(stdout) as Answer[];
  };

  test('the throttler refuses what is over its limit', async () => {
    const answers = await publishThrice({ throttler: 2, perMinuteMax: 100 });
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 429]);
    expect(answers[2]).toMatchObject({ message: 'ThrottlerException: Too Many Requests' });
    expect(Number(answers[2]?.retryAfter)).toBeGreaterThan(0);
  });

  test('the throttler leaves alone a feed that is decorated with SkipThrottle', async () => {
    const answers = await publishThrice({ throttler: 1, perMinuteMax: 100, skip: true });
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  });

  test('and the publishing rate what is over its own', async () => {
    const answers = await publishThrice({ throttler: 100, perMinuteMax: 1 });
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [201, undefined],
      [429, 'publish_too_fast'],
      [429, 'publish_too_fast'],
    ]);
  });
});
