/**
 * Splits texts into sentences. Code and addresses are replaced by text of the same length, so
 * positions do not change.
 *
 * @typedef {object} Sentence
 * @property {string} text on one line
 * @property {string} prose the same with code, links and addresses replaced by one word each
 * @property {number} offset
 * @property {'comment' | 'string' | 'document' | 'title'} kind
 */

/** A line that begins with one of these patterns starts a paragraph. */
const BULLET = /^\s*(?:[-*+•]|\d+[.)])\s+(?:\[[ x]\]\s+)?/;
const TAG = /^\s*@(\w+)\s*/;
const NAMED_TAGS = new Set(['param', 'property', 'typeParam', 'template']);
/** A tag's code, types or names. */
const CODE_TAGS = new Set([
  'example',
  'default',
  'defaultValue',
  'see',
  'typedef',
  'type',
  'internal',
  'packageDocumentation',
]);
/** Lines of a comment with more indentation are code or a table. */
const INDENT_OF_CODE = 2;
const ABBREVIATION = /\b(?:e\.g|i\.e|etc|vs|cf|No|St)\.$/;
const NOT_ENGLISH = [/`+[^`]*`+/g, /\{@link [^}]*\}/g, /(?<=\])\([^)\s]*\)/g, /\bhttps?:\/\/\S+/g, /\{[^{}]*\}(?=\s)/g];

/** @returns {Sentence[]} */
export function sentencesOf({ kind, lines }) {
  return paragraphs(kind, lines).flatMap((paragraph) => split(kind, paragraph));
}

/** Groups of lines that belong together: a list item, a tag's text, or lines up to an empty one. */
function paragraphs(kind, lines) {
  const found = [];
  let open;
  let isCode = false;
  let inList = false;
  for (const { text, offset } of lines) {
    if (/^\s*```/.test(text)) {
      isCode = !isCode;
      open = undefined;
      continue;
    }
    const tag = TAG.exec(text);
    if (tag && kind === 'comment') isCode = CODE_TAGS.has(tag[1]);
    const marker = tag ? tagLength(tag, text) : (BULLET.exec(text)?.[0].length ?? 0);
    if (text.trim() === '') {
      open = undefined;
      inList = false;
    }
    if (isCode || text.trim() === '') continue;
    const indent = text.length - text.trimStart().length;
    if (marker === 0 && !inList && kind === 'comment' && indent >= INDENT_OF_CODE) {
      open = undefined;
      continue;
    }
    if (marker > 0) inList = true;
    if (marker > 0 || !open) found.push((open = []));
    const skip = marker > 0 ? marker : indent;
    open.push({ text: text.slice(skip), offset: offset + skip });
  }
  return found;
}

function tagLength([whole, name], text) {
  if (!NAMED_TAGS.has(name)) return whole.length;
  return /^\s*@\w+\s+(?:\{[^}]*\}\s+)?\S+\s*(?:-\s+)?/.exec(text)?.[0].length ?? whole.length;
}

function split(kind, lines) {
  const text = lines.map((line) => line.text).join('\n');
  const prose = NOT_ENGLISH.reduce((rest, pattern) => rest.replace(pattern, oneWord), text)
    .replace(/[*_]{2}(?=\S)|(?<=\S)[*_]{2}/g, '  ')
    .replace(/\[(?=\w)/g, ' ');
  const sentences = [];
  let start = 0;
  const add = (end) => {
    const lead = prose.slice(start, end).search(/\S/);
    if (lead >= 0) {
      const at = start + lead;
      sentences.push({
        kind,
        text: flat(text.slice(at, end)),
        prose: flat(prose.slice(at, end)),
        offset: inFile(lines, at),
      });
    }
    start = end;
  };
  for (const match of prose.matchAll(/[.!?…]["'’”)\]]*(?=\s+["'“‘([]*[A-Z0-9`])/g)) {
    const end = match.index + match[0].length;
    if (!ABBREVIATION.test(prose.slice(0, end))) add(end);
  }
  add(prose.length);
  return sentences;
}

function oneWord(match) {
  return match.length < 3 ? match : '`' + 'x'.repeat(match.length - 2) + '`';
}

function flat(text) {
  return text.replace(/\s+/g, ' ').trim();
}

function inFile(lines, at) {
  let left = at;
  for (const { text, offset } of lines) {
    if (left <= text.length) return offset + left;
    left -= text.length + 1;
  }
  return lines[0].offset;
}
