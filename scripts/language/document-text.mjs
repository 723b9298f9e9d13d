/**
 * The English in documents and in the comments of SQL and Lua files.
 *
 * @typedef {import('./code-text.mjs').Text} Text
 */

/**
 * The texts of Markdown, without code blocks and HTML comments. A heading is a title. Each cell of
 * a table is a text.
 */
export function textsOfMarkdown(source) {
  const texts = [];
  let fence;
  let offset = 0;
  let open;
  let inTable = false;
  for (const line of source.split('\n')) {
    const marker = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence !== undefined) {
      if (marker?.startsWith(fence)) fence = undefined;
    } else if (marker !== undefined) {
      fence = marker;
      open = undefined;
    } else if (/^\s*(?:<|\|?\s*:?-{3,}|$)/.test(line)) {
      open = undefined;
    } else if (/^\s*\|/.test(line)) {
      for (const cell of cells(line, offset)) texts.push({ kind: inTable ? 'document' : 'title', lines: [cell] });
      inTable = true;
    } else if (line.startsWith('#')) {
      texts.push({
        kind: 'title',
        lines: [{ text: line.replace(/^#+ /, ''), offset: offset + line.indexOf(' ') + 1 }],
      });
      open = undefined;
    } else {
      const quote = /^(?:> ?)*/.exec(line)?.[0].length ?? 0;
      if (!open) texts.push((open = { kind: 'document', lines: [] }));
      open.lines.push({ text: line.slice(quote), offset: offset + quote });
    }
    if (!/^\s*\|/.test(line)) inTable = false;
    offset += line.length + 1;
  }
  return texts;
}

function cells(line, offset) {
  const found = [];
  for (const match of line.matchAll(/(?<=\|)\s*((?:\\\||`[^`]*`|[^|`])+)/g)) {
    const lead = match[0].length - match[0].trimStart().length;
    if (match[0].trim() !== '') found.push({ text: match[0].trim(), offset: offset + match.index + lead });
  }
  return found;
}

/** Lines of `--` comments: SQL and Lua. */
export function textsOfDashComments(source) {
  const texts = [];
  let offset = 0;
  let open;
  for (const line of source.split('\n')) {
    const marker = /^\s*--+ ?/.exec(line)?.[0];
    if (marker === undefined) open = undefined;
    else {
      if (!open) texts.push((open = { kind: 'comment', lines: [] }));
      open.lines.push({ text: line.slice(marker.length), offset: offset + marker.length });
    }
    offset += line.length + 1;
  }
  return texts;
}
