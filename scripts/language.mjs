/**
 * Checks that comments, error texts, test names and documents are in plain English.
 *
 *   node scripts/language.mjs               the whole repository
 *   node scripts/language.mjs src/core …    these files and folders
 *   node scripts/language.mjs --count       the number of findings in each folder
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, posix, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { commentLinesOf, textsOfCode } from './language/code-text.mjs';
import { textsOfDashComments, textsOfMarkdown } from './language/document-text.mjs';
import { exceptions } from './language/exceptions.mjs';
import { breaches } from './language/rules.mjs';
import { sentencesOf } from './language/sentences.mjs';
import { root } from './tools.mjs';

const COMMENT_COLUMNS_MAX = 100;
/** An address cannot be wrapped. */
const LONG_ADDRESS = /https?:\/\/\S{40}/;
const CODE = new Set(['.ts', '.mts', '.cts', '.mjs', '.cjs', '.js']);
const READERS = new Map([
  ['.md', textsOfMarkdown],
  ['.sql', textsOfDashComments],
  ['.lua', textsOfDashComments],
]);
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', '.cache', 'generated', 'api']);

/**
 * The findings in one file, in its order.
 *
 * @param {string} path relative to the root, with slashes
 * @param {string} source
 */
export function findingsOf(path, source) {
  const extension = extname(path);
  const texts = CODE.has(extension) ? textsOfCode(path, source) : (READERS.get(extension)?.(source) ?? []);
  const positionOf = positions(source);
  const findings = texts
    .flatMap(sentencesOf)
    .flatMap((sentence) => breaches(sentence).map((breach) => ({ ...breach, ...sentence })));
  if (CODE.has(extension)) findings.push(...wideComments(path, source));
  return findings
    .filter(({ text }) => !exceptions.some((known) => known.file === path && text.includes(known.text)))
    .map(({ rule, hint, text, offset }) => ({ path, ...positionOf(offset), rule, hint, text }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Every file that the check reads, relative to the root. */
export function filesToCheck(paths = ['.']) {
  return paths.flatMap(walk).map((path) => relative(root, path).split(sep).join('/'));
}

function walk(path) {
  const absolute = join(root, path);
  if (statSync(absolute).isFile()) return CODE.has(extname(path)) || READERS.has(extname(path)) ? [absolute] : [];
  return readdirSync(absolute)
    .filter((name) => !SKIPPED.has(name))
    .flatMap((name) => walk(join(path, name)));
}

function wideComments(path, source) {
  return commentLinesOf(path, source)
    .filter(({ text }) => text.length > COMMENT_COLUMNS_MAX && !LONG_ADDRESS.test(text))
    .map(({ text, offset }) => {
      const hint = `${text.length} columns, the limit is ${COMMENT_COLUMNS_MAX}`;
      return { rule: 'width', hint, text: text.trim(), offset };
    });
}

function positions(source) {
  const starts = [0];
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return { line: line + 1, column: offset - starts[line] + 1 };
  };
}

function main(args) {
  const paths = args.filter((arg) => !arg.startsWith('--'));
  const files = filesToCheck(paths.length > 0 ? paths : undefined);
  const findings = files.flatMap((path) => findingsOf(path, readFileSync(join(root, path), 'utf8')));
  if (args.includes('--count')) {
    for (const [folder, count] of countByFolder(findings)) console.log(`${String(count).padStart(6)}  ${folder}`);
  } else {
    for (const { path, line, column, rule, hint, text } of findings) {
      console.log(`${path}:${line}:${column} ${rule} (${hint}): ${text}`);
    }
  }
  console.log(`${findings.length} findings in ${files.length} files`);
  if (findings.length > 0) process.exitCode = 1;
}

function countByFolder(findings) {
  const counts = new Map();
  for (const { path } of findings) {
    const folder = path.split('/').slice(0, -1).slice(0, 2).join('/') || posix.basename(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a.localeCompare(b));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
