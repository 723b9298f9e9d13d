import { describe, expect, it } from '@jest/globals';
import { onCodeHost } from '../docs/.vitepress/code-host.mjs';
import { llmsFull, llmsIndex } from '../docs/.vitepress/llms.mjs';
import { headOf, linkOf, readSections, sectionsOf, writtenPages } from '../docs/.vitepress/pages.mjs';

describe('the index of the documentation', () => {
  it('links to every page, so that the site shows it', () => {
    const listed = readSections().flatMap(({ pages }) => pages.map(({ path }) => path));
    expect(listed.sort()).toEqual(writtenPages());
  });

  it('is divided into sections; a page belongs to the first section that links to it', () => {
    const index =
      '# Docs\n\n[x](x.md)\n\n## Use\n\n| a | [A](a.md) |\n\n## Run\n\n[B](stores/b.md), [A](a.md)\n\n## More\n\n[A](a.md)\n';
    expect(sectionsOf(index)).toEqual([
      { title: 'Use', paths: ['a.md'] },
      { title: 'Run', paths: ['stores/b.md'] },
    ]);
  });
});

describe('the head of a page', () => {
  it.each([
    ['# A\n\nFirst sentence. Second.\n', { title: 'A', summary: 'First sentence.' }],
    [
      '# A\n\n```ts\nx\n```\n\nSee [the\nguide](b.md) of v1.2: it helps.\n',
      { title: 'A', summary: 'See the guide of v1.2.' },
    ],
    ['# A\n', { title: 'A', summary: '' }],
  ])('of %j', (text, head) => {
    expect(headOf(text)).toEqual(head);
  });

  it('must be its title', () => {
    expect(() => headOf('Text\n\n# A\n')).toThrow('A page must begin with its title, "# Title". This one begins: Text');
  });
});

describe('addresses', () => {
  it.each([
    ['access.md', '/access'],
    ['stores/redis.md', '/stores/redis'],
    ['api/index.md', '/api/'],
  ])('of the page %s: %s', (path, link) => {
    expect(linkOf(path)).toBe(link);
  });

  it.each([
    ['../SECURITY.md', 'access.md', 'blob/main/SECURITY.md'],
    ['../SECURITY.md#limits', 'access.md', 'blob/main/SECURITY.md#limits'],
    ['../../examples/', 'stores/redis.md', 'tree/main/examples/'],
    ['proxies/nginx.conf', 'README.md', 'blob/main/docs/proxies/nginx.conf'],
  ])('of %s in %s: on the code host', (href, page, path) => {
    expect(onCodeHost(href, page)).toBe(`https://github.com/nest-notifications/nest-notifications/${path}`);
  });

  it.each(['stores/redis.md', 'stores/redis.md#durability', '#top', 'https://example.com/a.md', '/api/'])(
    'of %s: on the site, or elsewhere',
    (href) => {
      expect(onCodeHost(href, 'README.md')).toBeUndefined();
    },
  );

  it('of a file that is missing: an error', () => {
    expect(() => onCodeHost('../missing.ts', 'access.md')).toThrow(
      'docs/access.md links to ../missing.ts, and there is no such file',
    );
  });
});

describe('llms.txt', () => {
  const page = (path: string) => ({ path, title: `Title of ${path}`, summary: 'A sentence.', text: `# ${path}\n` });

  it('lists every page with its summary', () => {
    const sections = [{ title: 'Use', pages: [page('a.md'), page('b/c.md')] }];
    expect(llmsIndex({ name: 'library', description: 'It works.' }, sections)).toBe(
      '# library\n\n> It works.\n\n## Use\n\n- [Title of a.md](a.md): A sentence.\n- [Title of b/c.md](b/c.md): A sentence.\n',
    );
  });

  it('has the whole text of every page in llms-full.txt', () => {
    expect(llmsFull([page('a.md'), page('b.md')])).toBe('<!-- a.md -->\n\n# a.md\n\n<!-- b.md -->\n\n# b.md\n');
  });
});
