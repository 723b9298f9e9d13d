import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { STATUS_OF } from '../src/wire/errors.js';
import { resolveSettings } from '../src/nest/settings.js';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const readme = read('README.md');

/** The README's code blocks that name an example, which test/e2e/examples.test.ts runs. */
const examples = [...readme.matchAll(/<!-- (examples\/\S+) -->\n\n```(?:ts|sh)\n([\s\S]*?)```/g)].map(
  ([, path = '', code = '']) => ({ path, code }),
);

describe('README', () => {
  test('has examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(6);
  });

  test.each(examples)('shows $path as it is', ({ path, code }) => {
    expect(code).toBe(read(path));
  });

  test('lists every error code with its status', () => {
    for (const [code, status] of Object.entries(STATUS_OF)) {
      const row = readme.split('\n').find((line) => line.startsWith(`| ${status} `));
      expect({ code, row }).toMatchObject({ row: expect.stringContaining(`\`${code}\``) });
    }
  });

  test('lists every numeric option with its default', () => {
    for (const [group, values] of Object.entries(resolveSettings({}))) {
      for (const [name, value] of Object.entries(values as Record<string, number>)) {
        const row = readme.split('\n').find((line) => line.startsWith(`| \`${group}.${name}\``)) ?? '';
        const [, , shown = ''] = row.split('|').map((cell) => cell.trim());
        expect({ option: `${group}.${name}`, default: toNumber(shown) }).toEqual({
          option: `${group}.${name}`,
          default: value,
        });
      }
    }
  });
});

function toNumber(shown: string): number {
  const [number = '', unit] = shown.split(' ');
  return Number(number.replaceAll(',', '')) * (unit === 'MiB' ? 1024 * 1024 : 1);
}
