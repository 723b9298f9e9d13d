import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { STATUS_OF } from '../src/wire/errors.js';
import { resolveSettings } from '../src/nest/settings.js';

const README_LINES_MAX = 200;
/** Wider tables are hard to read on the pages of code hosts and registries. */
const README_TABLE_COLUMNS_MAX = 100;

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const guides = readdirSync(new URL('docs/', root)).filter((name) => name.endsWith('.md'));
const documents = ['README.md', ...guides.map((name) => `docs/${name}`)].map((path) => ({ path, text: read(path) }));
const readme = read('README.md');

interface Block {
  readonly path: string;
  readonly language: string;
  readonly code: string;
  /** `examples/x.ts` for a whole file, `from examples/x.ts` for some lines of it. */
  readonly source: string | undefined;
}

const blocks: Block[] = documents.flatMap(({ path, text }) =>
  [...text.matchAll(/(?:<!-- ((?:from )?examples\/\S+) -->\n\n)?```(\w*)\n([\s\S]*?)```/g)].map(
    ([, source, language = '', code = '']) => ({ path, language, code, source }),
  ),
);
const whole = blocks.filter(({ source }) => source?.startsWith('examples/'));
const parts = blocks.filter(({ source }) => source?.startsWith('from '));

/** The lines without their indentation. */
const lines = (code: string): string =>
  code
    .split('\n')
    .map((line) => line.trim())
    .join('\n');

describe('README', () => {
  test('is short, with tables that are not wide', () => {
    const all = readme.split('\n');
    expect(all.length).toBeLessThanOrEqual(README_LINES_MAX);
    expect(all.filter((line) => line.startsWith('|') && line.length > README_TABLE_COLUMNS_MAX)).toEqual([]);
  });

  test('has the two commands', () => {
    expect(readme).toMatch(/^npm start +# /m);
    expect(readme).toMatch(/^npm test +# /m);
  });
});

describe('the examples in the documents', () => {
  test.each(whole)('$path shows $source as it is', ({ source, code }) => {
    expect(code).toBe(read(source!));
  });

  test.each(parts)('$path shows lines $source', ({ source, code }) => {
    expect(lines(read(source!.slice('from '.length)))).toContain(lines(code));
  });

  test('each program is a file that tests run', () => {
    const programs = ['ts', 'tsx', 'python', 'go'];
    // A test of the PostgreSQL store compares and runs the programs of the outbox.
    const unnamed = blocks.filter(
      ({ path, language, source }) => programs.includes(language) && !source && path !== 'docs/outbox.md',
    );
    expect(unnamed).toEqual([]);
  });

  test('each file of examples/ is in a document', () => {
    const shown = new Set(whole.map(({ source }) => source));
    const files = readdirSync(new URL('examples/', root), { withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => `examples/${name}`).filter((path) => !shown.has(path))).toEqual([]);
  });
});

describe('docs/getting-started.md', () => {
  test('has the setting of Jest that is tried in generated projects', () => {
    const setting = "transformIgnorePatterns: ['/node_modules/(?!nest-notifications/)']";
    expect(read('scripts/new-project-smoke.mjs')).toContain(setting);
    const [, shown] = /^"jest": (\{ .* \})$/m.exec(read('docs/getting-started.md')) ?? [];
    expect(JSON.parse(shown ?? '')).toEqual({ transformIgnorePatterns: ['/node_modules/(?!nest-notifications/)'] });
  });
});

describe('docs/errors.md', () => {
  test.each(Object.entries(STATUS_OF))('lists %s with its status %i', (code, status) => {
    const row = rowOf(read('docs/errors.md'), code);
    expect({ code, status: row[1] }).toEqual({ code, status: String(status) });
  });
});

describe('docs/options.md', () => {
  test('lists every numeric option with its default', () => {
    const options = read('docs/options.md');
    for (const [group, values] of Object.entries(resolveSettings({}))) {
      for (const [name, value] of Object.entries(values as Record<string, number>)) {
        const [, shown = ''] = rowOf(options, `${group}.${name}`);
        expect({ option: `${group}.${name}`, default: toNumber(shown) }).toEqual({
          option: `${group}.${name}`,
          default: value,
        });
      }
    }
  });
});

/** The cells of the row that begins with this name. */
function rowOf(text: string, name: string): readonly string[] {
  const row = text.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? '';
  return row
    .split('|')
    .slice(1)
    .map((cell) => cell.trim());
}

function toNumber(shown: string): number {
  const [number = '', unit] = shown.split(' ');
  return Number(number.replaceAll(',', '')) * (unit === 'MiB' ? 1024 * 1024 : 1);
}
