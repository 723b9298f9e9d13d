/**
 * Plants a bug into a source file. A mutant names a method or function and has a pattern of the
 * code to replace. Patterns are compared as syntax trees, so formatting and comments do not matter.
 * A name that begins with `$` in a pattern matches any expression, name or statement, so variables
 * may be renamed. The replacement uses the same names.
 *
 * @typedef {object} Mutant
 * @property {string} name the wrong behaviour
 * @property {string} file in src
 * @property {string} scope `Class.member`, or the name of a function
 * @property {string} find an expression, or statements that end with `;` or `}`
 * @property {string} plant its replacement; an empty one removes it
 */
import ts from 'typescript';

/**
 * The text of a file with the bug.
 *
 * @param {Mutant} mutant
 * @param {string} text of its file
 * @throws Error when the pattern does not match exactly once, or the result cannot be parsed
 */
export function planted({ name, file, scope, find, plant }, text) {
  const source = parse(file, text);
  const nodes = scopeNodes(source, scope);
  if (nodes.length !== 1) throw new Error(`"${name}": ${file} has ${nodes.length} of ${scope}`);
  const pattern = parsePattern(find);
  const found = matchesIn(nodes[0], pattern);
  if (found.length !== 1) throw new Error(`"${name}": ${scope} in ${file} has ${found.length} of: ${find}`);
  const { from, to, captures } = found[0];
  const replacement = plant === '' ? ';' : plant.replace(/\$\w+/g, (wildcard) => captures.get(wildcard) ?? wildcard);
  const result = text.slice(0, from) + replacement + text.slice(to);
  const problem = problemOf(parse(file, result), source);
  if (problem) throw new Error(`"${name}": ${problem} in ${file}: ${replacement}`);
  return result;
}

/** @param {string} file @param {string} text */
function parse(file, text) {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

/** The members or functions with this name. @param {ts.SourceFile} source @param {string} scope */
function scopeNodes(source, scope) {
  const [owner, member] = scope.split('.');
  return source.statements.flatMap((/** @type {any} */ statement) => {
    if (statement.name?.text !== owner) return [];
    if (member === undefined) return [statement];
    return statement.members.filter((/** @type {any} */ one) => one.name?.text === member);
  });
}

/**
 * The nodes of a pattern: one expression, or statements. It is parsed inside a method, where `this`
 * and `await` are allowed.
 * @param {string} find
 * @returns {readonly ts.Node[]}
 */
function parsePattern(find) {
  const areStatements = /[;}]$/.test(find);
  const text = `class C { async m() { ${areStatements ? find : `(${find});`} } }`;
  const source = parse('pattern.ts', text);
  if (syntaxErrors(source).length > 0) throw new Error(`the pattern cannot be parsed: ${find}`);
  const statements = /** @type {any} */ (source.statements[0]).members[0].body.statements;
  return areStatements ? statements : [statements[0].expression.expression];
}

/**
 * All matches of the pattern in a scope.
 * @param {ts.Node} scope @param {readonly ts.Node[]} pattern
 */
function matchesIn(scope, pattern) {
  /** @type {{ from: number, to: number, captures: Map<string, string> }[]} */
  const found = [];
  /** @param {readonly ts.Node[]} nodes */
  const tryAt = (nodes) => {
    const captures = new Map();
    if (nodes.length !== pattern.length || !pattern.every((one, at) => matches(one, nodes[at], captures))) return;
    found.push({ from: nodes[0].getStart(), to: nodes[nodes.length - 1].end, captures });
  };
  /** @param {any} node */
  const visit = (node) => {
    if (pattern.length === 1) tryAt([node]);
    else node.statements?.forEach((_, at) => tryAt(node.statements.slice(at, at + pattern.length)));
    ts.forEachChild(node, visit);
  };
  visit(scope);
  return found;
}

/**
 * @param {any} pattern @param {any} node
 * @param {Map<string, string>} captures the text that each wildcard has matched
 */
function matches(pattern, node, captures) {
  const wildcard = wildcardOf(pattern, node);
  if (wildcard) {
    const text = node.getText();
    if (captures.has(wildcard)) return captures.get(wildcard) === text;
    captures.set(wildcard, text);
    return true;
  }
  if (pattern.kind !== node.kind || pattern.operator !== node.operator) return false;
  const [patterns, nodes] = [childrenOf(pattern), childrenOf(node)];
  if (patterns.length !== nodes.length) return false;
  if (patterns.length === 0) return pattern.text === node.text;
  return patterns.every((one, at) => matches(one, nodes[at], captures));
}

/** @param {any} pattern @param {any} node */
function wildcardOf(pattern, node) {
  const isStatement = ts.isExpressionStatement(pattern) && ts.isStatement(node);
  const name = isStatement ? pattern.expression : pattern;
  return ts.isIdentifier(name) && name.text.startsWith('$') ? name.text : undefined;
}

/** @param {ts.Node} node */
function childrenOf(node) {
  /** @type {ts.Node[]} */
  const children = [];
  ts.forEachChild(node, (child) => void children.push(child));
  return children;
}

/**
 * The reason why the file with the bug cannot run: a syntax error, or a private name that the
 * original does not have.
 * @param {ts.SourceFile} mutated @param {ts.SourceFile} original
 */
function problemOf(mutated, original) {
  if (syntaxErrors(mutated).length > 0) return 'a syntax error';
  const known = privateNames(original);
  const unknown = [...privateNames(mutated)].find((name) => !known.has(name));
  return unknown && `the unknown name ${unknown}`;
}

/** @param {ts.SourceFile} source */
function syntaxErrors(source) {
  return /** @type {any} */ (source).parseDiagnostics;
}

/** @param {ts.Node} root */
function privateNames(root) {
  const names = new Set();
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isPrivateIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return names;
}
