import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { filesToCheck } from '../scripts/language.mjs';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const documents: readonly string[] = filesToCheck().filter((path: string) => path.endsWith('.md'));
const guides = documents.filter((path) => /^docs\/(?:stores\/)?[\w-]+\.md$/.test(path));

/** Links and images of a document, without those in code. */
function targetsOf(path: string): readonly string[] {
  const text = read(path).replace(/```[\s\S]*?```/g, '');
  const prose = text.replace(/`[^`\n]*`/g, '`');
  const links = [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)];
  const html = [...prose.matchAll(/(?:src|href)="([^"]+)"/g)];
  return [...links, ...html].map(([, target = '']) => target);
}

/** The texts of the headings, without marks. */
function headingsOf(path: string): readonly string[] {
  const text = read(path).replace(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.replaceAll('`', '').trim());
}

/** Why a target cannot be reached; undefined if it can. */
function problemOf(path: string, target: string): string | undefined {
  if (/^(?:https?|mailto):/.test(target)) return undefined;
  const [file = '', anchor] = target.split('#');
  const found = file === '' ? path : normalize(join(dirname(path), file));
  if (!existsSync(join(ROOT, found))) return 'there is no such file';
  if (anchor === undefined) return undefined;
  const headings = headingsOf(found).filter((heading) => heading.toLowerCase().replaceAll(' ', '-') === anchor);
  // Code hosts and site generators make different anchors from other characters.
  if (headings.length === 0) return 'no heading of only letters, digits, spaces and hyphens has this anchor';
  return headings.length === 1 ? undefined : 'several headings have this anchor';
}

describe('links of documents', () => {
  test.each(documents)('in %s have an existing target', (path) => {
    const broken = targetsOf(path).flatMap((target) => {
      const problem = problemOf(path, target);
      return problem === undefined ? [] : [`${target}: ${problem}`];
    });
    expect(broken).toEqual([]);
  });

  test('guides have one title each', () => {
    const titles = guides.map((path) => {
      const text = read(path).replace(/```[\s\S]*?```/g, '');
      return [path, text.match(/^# /gm)?.length];
    });
    expect(titles).toEqual(guides.map((path) => [path, 1]));
  });

  test('every guide is in the index', () => {
    const index = targetsOf('docs/README.md');
    const others = guides.map((path) => path.slice('docs/'.length)).filter((name) => name !== 'README.md');
    expect(others.filter((name) => !index.includes(name))).toEqual([]);
  });

  test('reports broken links', () => {
    expect(problemOf('README.md', 'docs/missing.md')).toMatch('no such file');
    expect(problemOf('README.md', 'docs/access.md#nothing')).toMatch('no heading');
    expect(problemOf('docs/access.md', '../SECURITY.md')).toBeUndefined();
    expect(problemOf('docs/access.md', '#tickets')).toBeUndefined();
  });
});
