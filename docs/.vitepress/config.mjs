import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { codeHostLinks, REPOSITORY } from './code-host.mjs';
import { writeLlms } from './llms.mjs';
import { API, docs, linkOf, readSections, START } from './pages.mjs';

const { name, description } = JSON.parse(readFileSync(join(docs, '..', 'package.json'), 'utf8'));

export default defineConfig({
  title: name,
  description,
  lang: 'en',
  // For a site below a path, such as /nest-notifications/ on the pages of the code host.
  base: process.env.DOCS_BASE ?? '/',
  srcExclude: ['**/node_modules/**'],
  rewrites: { [START]: 'index.md' },
  ignoreDeadLinks: false,
  cacheDir: join(docs, 'node_modules', '.cache', 'vitepress'),
  // The highlighter does not know ABNF. Its comments and rules look like those of an INI file.
  markdown: { config: (md) => md.use(codeHostLinks), languageAlias: { abnf: 'ini' } },
  vite: {
    // The index of the search is one file.
    build: { chunkSizeWarningLimit: 4096 },
  },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Guides', link: linkOf('getting-started.md'), activeMatch: `^/(?!${API}/)` },
      { text: 'API', link: `/${API}/`, activeMatch: `^/${API}/` },
      { text: 'Changelog', link: `${REPOSITORY}/blob/main/CHANGELOG.md` },
    ],
    sidebar: { '/': guides(), [`/${API}/`]: apiReference() },
    outline: { level: [2, 3] },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    editLink: { pattern: `${REPOSITORY}/edit/main/docs/:path`, text: 'Edit this page' },
    footer: { message: 'Released under the MIT licence.' },
  },
  transformPageData({ relativePath, frontmatter }) {
    // Their text is in the sources.
    if (relativePath.startsWith(`${API}/`)) frontmatter.editLink = false;
  },
  buildEnd: ({ outDir }) => writeLlms(outDir, { name, description }),
});

function guides() {
  return readSections().map((section) => ({
    text: section.title,
    items: section.pages.map(({ title, path }) => ({ text: title, link: linkOf(path) })),
  }));
}

/** The entries and their members, as TypeDoc lists them. */
function apiReference() {
  const file = join(docs, API, 'navigation.json');
  if (!existsSync(file)) return [];
  const toItem = ({ title, path, children }) => ({
    text: title,
    ...(path ? { link: linkOf(`${API}/${path}`) } : {}),
    ...(children ? { items: children.map(toItem), collapsed: true } : {}),
  });
  return JSON.parse(readFileSync(file, 'utf8')).map(toItem);
}
