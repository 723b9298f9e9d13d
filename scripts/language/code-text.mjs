import ts from 'typescript';
import { textsOfDashComments } from './document-text.mjs';

/**
 * The English in TypeScript and JavaScript: comments, error texts and test names.
 *
 * @typedef {object} Line a piece of a text on one line
 * @property {string} text
 * @property {number} offset the index of its first character in the file
 *
 * @typedef {object} Text
 * @property {'comment' | 'string' | 'name' | 'document' | 'title'} kind `name`: of a test
 * @property {Line[]} lines
 */

const TEST_FUNCTIONS = new Set(['describe', 'it', 'test']);
const ERROR_CLASS = /(?:Error|Exception)$/;
const LOG_METHODS = new Set(['debug', 'error', 'log', 'verbose', 'warn']);
/** Comments for tools. */
const DIRECTIVE = /^(?:eslint-|prettier-ignore|@ts-|c8 |<reference|#region|#endregion|!)/;
/** Files whose template strings contain SQL or Lua. */
const ENGINE_PROGRAM = /\.(?:sql|lua)\.ts$/;
const SQL = /\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|ALTER|DROP|EXECUTE|LISTEN)\b/;
/** In the library, a string with fewer words is a name or a value. */
const PROSE_WORDS = 4;

/** @returns {Text[]} */
export function textsOfCode(path, source) {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  return [...comments(file, source), ...strings(file, path)];
}

/** The lines of all comments. Each line ends where its comment ends. @returns {Line[]} */
export function commentLinesOf(path, source) {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
  const isProse = ({ pos, end }) => !DIRECTIVE.test(source.slice(pos, end).replace(/^\/\/ ?/, ''));
  return commentRanges(file, source)
    .filter(isProse)
    .flatMap(({ pos, end }) => {
      let offset = source.lastIndexOf('\n', pos) + 1;
      return source
        .slice(offset, end)
        .split('\n')
        .map((text) => {
          const line = { text, offset };
          offset += text.length + 1;
          return line;
        });
    });
}

/**
 * Finds every comment of the file. A comment begins with `//` or with a slash and a star, outside
 * of literals.
 */
function commentRanges(file, source) {
  const ranges = [];
  let from = 0;
  const scan = (to) => {
    for (let at = source.indexOf('/', from); at >= 0 && at < to; at = source.indexOf('/', from)) {
      const isBlock = source[at + 1] === '*';
      from = at + 1;
      if (!isBlock && source[at + 1] !== '/') continue;
      const end = isBlock ? source.indexOf('*/', at + 2) + 2 : source.indexOf('\n', at);
      from = end > at ? end : source.length;
      ranges.push({ pos: at, end: from, isBlock });
    }
  };
  for (const literal of literals(file)) {
    scan(literal.getStart(file));
    from = literal.end;
  }
  scan(source.length);
  return ranges;
}

/** The nodes whose text may look like a comment, in the order of the file. */
function literals(file) {
  const found = [];
  const visit = (node) => {
    if (ts.isLiteralExpression(node) || ts.isTemplateLiteralToken(node)) found.push(node);
    else node.forEachChild(visit);
  };
  file.forEachChild(visit);
  return found;
}

function comments(file, source) {
  const texts = [];
  let last;
  for (const range of commentRanges(file, source)) {
    const raw = source.slice(range.pos, range.end);
    if (range.isBlock) {
      texts.push({ kind: 'comment', lines: blockLines(raw, range.pos) });
      last = undefined;
      continue;
    }
    const marker = /^\/\/+ ?/.exec(raw)?.[0] ?? '';
    const line = { text: raw.slice(marker.length), offset: range.pos + marker.length };
    if (DIRECTIVE.test(line.text)) continue;
    const { line: row, character: column } = file.getLineAndCharacterOfPosition(range.pos);
    const joins = last && last.row === row - 1 && last.column === column;
    if (joins) texts.at(-1).lines.push(line);
    else texts.push({ kind: 'comment', lines: [line] });
    last = { row, column };
  }
  return texts;
}

/** The lines of a block comment, without its stars. */
function blockLines(raw, pos) {
  const lines = [];
  let offset = pos;
  for (const line of raw.split('\n')) {
    const marker = /^(?:\s*\/\*+ ?|\s*\*(?!\/) ?|\s*)/.exec(line)?.[0] ?? '';
    const text = line.slice(marker.length).replace(/\s*\*\/$/, '');
    if (!DIRECTIVE.test(text)) lines.push({ text, offset: offset + marker.length });
    offset += line.length + 1;
  }
  return lines;
}

function strings(file, path) {
  if (ENGINE_PROGRAM.test(path)) return programComments(file);
  const texts = [];
  const isLibrary = /(?:^|\/)src\/(?!demo\/)/.test(path);
  const rows = tableRows(file);
  const visit = (node, isMessage) => {
    const lines = linesOf(node, file);
    const isRead = isMessage || ((isLibrary || rows.has(node) || isKey(node)) && isProse(joined(lines)));
    if (lines.length > 0 && isRead) texts.push({ kind: 'string', lines });
    const name = testName(node, file);
    if (name) texts.push({ kind: 'name', lines: name.lines });
    node.forEachChild((child) => {
      const inMessage = isMessage && lines.length === 0 && !ts.isFunctionLike(child);
      const isPart = lines.length > 0 && linesOf(child, file).length > 0;
      if (child !== name?.node && !isPart) visit(child, inMessage || makesMessage(node, child));
    });
  };
  visit(file, false);
  return texts;
}

/** A quoted name of a property, such as the name of a check in a list of checks. */
function isKey(node) {
  return ts.isPropertyAssignment(node.parent ?? node) && node.parent.name === node;
}

/** The literals in the tables of `test.each`, written in the call or as a constant of the file. */
function tableRows(file) {
  const rows = new Set();
  const constants = new Map();
  const collect = (node) => {
    if (ts.isFunctionLike(node)) return;
    if (ts.isIdentifier(node) && constants.has(node.text)) collect(constants.get(node.text));
    else if (isLiteral(node) || isConcatenation(node)) rows.add(node);
    else if (!ts.isCallExpression(node)) node.forEachChild(collect);
  };
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer)
      constants.set(node.name.text, node.initializer);
    const isEach = ts.isCallExpression(node) && node.expression.getText(file).endsWith('.each');
    if (isEach && TEST_FUNCTIONS.has(node.expression.getText(file).split('.')[0])) node.arguments.forEach(collect);
    node.forEachChild(visit);
  };
  visit(file);
  return rows;
}

function programComments(file) {
  const texts = [];
  const visit = (node) => {
    const text = isLiteral(node) && textOf(node, file);
    if (!text) return node.forEachChild(visit);
    for (const found of textsOfDashComments(text.text)) {
      const lines = found.lines.map((line) => ({ ...line, offset: line.offset + text.offset }));
      texts.push({ kind: 'comment', lines });
    }
  };
  visit(file);
  return texts;
}

/** The lines of a literal, or of several that `+` joins to one text. Empty for other nodes. */
function linesOf(node, file) {
  if (isLiteral(node)) return [textOf(node, file)];
  return isConcatenation(node) ? [...linesOf(node.left, file), ...linesOf(node.right, file)] : [];
}

function isLiteral(node) {
  return ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);
}

function isConcatenation(node) {
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return false;
  return [node.left, node.right].every((side) => isLiteral(side) || isConcatenation(side));
}

function joined(lines) {
  return lines.map(({ text }) => text).join(' ');
}

/** A literal's text. Each inserted value counts as one word of the same length. */
function textOf(node, file) {
  if (!ts.isTemplateExpression(node)) {
    return { text: node.getText(file).slice(1, -1), offset: node.getStart(file) + 1 };
  }
  let text = node.head.text === '' ? '' : node.head.getText(file).slice(1, -2);
  const offset = node.getStart(file) + 1;
  for (const span of node.templateSpans) {
    const start = span.literal.getStart(file);
    text = text.padEnd(start - offset + 1, 'X');
    const isTail = span.literal.kind === ts.SyntaxKind.TemplateTail;
    text += span.literal.getText(file).slice(1, isTail ? -1 : -2);
  }
  return { text, offset };
}

/** The name that a call of `describe`, `it` or `test` gives, also behind `.skip` and `.each(…)`. */
function testName(node, file) {
  if (!ts.isCallExpression(node) || node.arguments.length < 2) return undefined;
  let callee = node.expression;
  while (!ts.isIdentifier(callee)) {
    if (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) callee = callee.expression;
    else return undefined;
  }
  const lines = TEST_FUNCTIONS.has(callee.text) ? linesOf(node.arguments[0], file) : [];
  return lines.length > 0 ? { node: node.arguments[0], lines } : undefined;
}

/** Whether the child is an argument of something that throws, fails or logs. */
function makesMessage(node, child) {
  if (ts.isNewExpression(node)) return node.expression !== child && ERROR_CLASS.test(node.expression.getText());
  if (!ts.isCallExpression(node) || node.expression === child) return false;
  const callee = node.expression;
  return ts.isPropertyAccessExpression(callee) && LOG_METHODS.has(callee.name.text) && /log/i.test(callee.getText());
}

function isProse(text) {
  return text.split(/\s+/).filter((word) => /^["'(]?[a-z]/i.test(word)).length >= PROSE_WORDS && !SQL.test(text);
}
