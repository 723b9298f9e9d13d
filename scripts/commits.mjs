/**
 * Checks the subjects of commits, as CONTRIBUTING.md describes them.
 *
 *   node scripts/commits.mjs                 the commits that main does not have
 *   node scripts/commits.mjs RANGE           another range of git, such as v0.1.0..HEAD
 */
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { root } from './tools.mjs';

/** GitHub cuts longer subjects, and `git log --oneline` wraps them. */
const SUBJECT_COLUMNS_MAX = 72;

/** Words that no imperative begins with. */
const NO_VERB = /^(?:an?|the|this|that|these|those|it|we|i|no|some|all|wip)$/i;
const NO_IMPERATIVE = /^\w+(?:ed|ing|[^s]s)$/;
/** Verbs that end like a past tense, a participle or a third person. */
const IMPERATIVES = new Set(['Bring', 'Embed', 'Exceed', 'Feed', 'Focus', 'Need', 'Proceed', 'Seed', 'Shed', 'Speed']);

/**
 * Returns the rules that a subject breaks. The list is empty for a good subject.
 *
 * @param {string} subject
 * @returns {string[]}
 */
export function problemsOf(subject) {
  const [first = ''] = subject.split(' ');
  const problems = [];
  if (subject.length > SUBJECT_COLUMNS_MAX) {
    problems.push(`has ${subject.length} characters, the limit is ${SUBJECT_COLUMNS_MAX}`);
  }
  if (/^(?:fixup|squash|amend)! /.test(subject)) problems.push('belongs to another commit: squash it');
  else if (/^[\w.-]+(?:\([^)]*\))?!?: /.test(subject)) problems.push('begins with a prefix: begin with a verb');
  else if (NO_VERB.test(first)) problems.push(`begins with "${first}": begin with a verb`);
  else if (!/^[A-Z]/.test(first)) problems.push('begins without a capital letter');
  else if (NO_IMPERATIVE.test(first) && !IMPERATIVES.has(first)) {
    problems.push(`begins with "${first}": use the imperative, as in "Bound shared pages by bytes"`);
  }
  if (subject.endsWith('.')) problems.push('ends with a full stop');
  return problems;
}

function main([range = 'main..HEAD']) {
  const log = execFileSync('git', ['log', '--no-merges', '--format=%h %s', range], { cwd: root, encoding: 'utf8' });
  const commits = log.split('\n').filter((line) => line !== '');
  for (const line of commits) {
    const [hash] = line.split(' ', 1);
    for (const problem of problemsOf(line.slice(hash.length + 1))) {
      console.log(`${line}\n  ${problem}`);
      process.exitCode = 1;
    }
  }
  console.log(`${commits.length} commits checked`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
