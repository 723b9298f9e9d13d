import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const docs = fileURLToPath(new URL('..', import.meta.url));

/** The start page and the index of the guides. The code host shows it with the folder. */
export const START = 'README.md';
/** The folder that api-reference.mjs writes. */
export const API = 'api';

const LINK_TO_PAGE = /\]\(([\w/-]+\.md)\)/g;

/** @typedef {{ path: string, title: string, summary: string, text: string }} Page */
/** @typedef {{ title: string, pages: Page[] }} Section */

/**
 * The guides, in the order of the index: a section for each of its headings, with the pages that
 * the section links to.
 *
 * @returns {Section[]}
 */
export function readSections() {
  return sectionsOf(readPage(START).text).map(({ title, paths }) => ({ title, pages: paths.map(readPage) }));
}

/**
 * The headings of an index, with the paths of the pages below each. A page belongs to the section
 * that names it first.
 *
 * @param {string} index
 */
export function sectionsOf(index) {
  const seen = new Set();
  return index
    .split(/^## /m)
    .slice(1)
    .map((block) => {
      const [title = ''] = block.split('\n', 1);
      const paths = [...new Set([...block.matchAll(LINK_TO_PAGE)].map(([, path = '']) => path))];
      const own = paths.filter((path) => !seen.has(path));
      for (const path of own) seen.add(path);
      return { title, paths: own };
    })
    .filter(({ paths }) => paths.length > 0);
}

/**
 * @param {string} path relative to docs, with slashes
 * @returns {Page}
 */
export function readPage(path) {
  const text = readFileSync(join(docs, path), 'utf8');
  return { path, text, ...headOf(text) };
}

/**
 * The title of a page, and the first sentence below it.
 *
 * @param {string} text
 */
export function headOf(text) {
  const [, title = '', rest = ''] = /^# (.+)\n([\s\S]*)/.exec(text) ?? [];
  if (title === '')
    throw new Error(`A page must begin with its title, "# Title". This one begins: ${text.slice(0, 60)}`);
  const paragraph =
    rest
      .trim()
      .split(/\n{2,}/)
      .find((block) => /^(?:[A-Z*[]|`(?!``))/.test(block)) ?? '';
  const plain = paragraph
    .replaceAll('\n', ' ')
    .replaceAll('**', '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return { title, summary: /^.+?[.:](?= |$)/.exec(plain)?.[0].replace(/:$/, '.') ?? plain };
}

/** Every page that is written by hand, except the index. */
export function writtenPages() {
  return readdirSync(docs, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith('.md') && path !== START)
    .filter((path) => !/(?:^|\/)(?:node_modules|\.vitepress|api)\//.test(path))
    .sort();
}

/**
 * The address of a page on the site, below its base.
 *
 * @param {string} path
 */
export function linkOf(path) {
  return posix.join('/', path.replace(/(?:index)?\.md$/, ''));
}
