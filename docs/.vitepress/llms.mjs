import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { docs, readPage, readSections, START } from './pages.mjs';

/** @typedef {import('./pages.mjs').Page} Page */
/** @typedef {import('./pages.mjs').Section} Section */

/**
 * `llms.txt`: an index of the guides for programs that read text. llmstxt.org describes the format.
 *
 * @param {{ name: string, description: string }} library
 * @param {Section[]} sections
 */
export function llmsIndex({ name, description }, sections) {
  const lists = sections.map(({ title, pages }) => {
    const lines = pages.map((page) => `- [${page.title}](${page.path}): ${page.summary}`);
    return `## ${title}\n\n${lines.join('\n')}\n`;
  });
  return [`# ${name}\n\n> ${description}\n`, ...lists].join('\n');
}

/**
 * All pages as one text. A line before each names its file, so that its relative links make sense.
 *
 * @param {Page[]} pages
 */
export function llmsFull(pages) {
  return pages.map(({ path, text }) => `<!-- ${path} -->\n\n${text.trim()}\n`).join('\n');
}

/**
 * Adds the index, the full text and the sources of the pages to the built site.
 *
 * @param {string} site the folder of the built site
 * @param {{ name: string, description: string }} library
 */
export function writeLlms(site, library) {
  const sections = readSections();
  const pages = [readPage(START), ...sections.flatMap((section) => section.pages)];
  writeFileSync(join(site, 'llms.txt'), llmsIndex(library, sections));
  writeFileSync(join(site, 'llms-full.txt'), llmsFull(pages));
  for (const { path } of pages) {
    mkdirSync(dirname(join(site, path)), { recursive: true });
    copyFileSync(join(docs, path), join(site, path));
  }
}
