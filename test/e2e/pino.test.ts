import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CHILD = fileURLToPath(new URL('pino-child.ts', import.meta.url));
const HOOKS = new URL('../../scripts/typescript-hooks.mjs', import.meta.url).href;
const WARN = 40;

interface Line {
  readonly level: number;
  readonly context?: string;
  readonly msg: string;
  readonly req?: { readonly url: string; readonly headers: Readonly<Record<string, string>> };
}

describe.each(['express', 'fastify'])('examples/logs.ts with nestjs-pino, on %s', (adapter) => {
  let text = '';
  let lines: Line[];

  beforeAll(async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', HOOKS, CHILD, adapter]);
    expect(stderr).toBe('');
    text = stdout;
    lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  });

  test('logs no poll, and each other request on one line', () => {
    const urls = lines.flatMap(({ req }) => req?.url ?? []);
    expect(urls).toEqual(['/other?ticket=redacted&page=2', expect.stringMatching(/^\/other\?\S*=redacted$/)]);
  });

  test('logs no credential', () => {
    expect(text).toContain('"authorization":"[Redacted]"');
    expect(text).not.toContain('secret');
  });

  test('logs a change of the store on one line with its level and its context', () => {
    const found = lines.filter(({ context }) => context === 'NotificationsStore');
    expect(found).toEqual([expect.objectContaining({ level: WARN, msg: 'The engine is unavailable.' })]);
  });
});
