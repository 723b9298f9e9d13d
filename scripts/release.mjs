/**
 * The steps of a release that a program can do. CONTRIBUTING.md has all of them.
 *
 *   node scripts/release.mjs version    raises the version, and moves changesets into the changelog
 *   node scripts/release.mjs check TAG  fails unless the repository can be published as TAG
 *
 * `version` needs Node 22 or newer and the npm registry: Changesets is not among the dependencies.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { npm, root } from './tools.mjs';

const CHANGESETS = '@changesets/cli@3';
const CHANGESET_FOLDER = join(root, '.changeset');
const CLIENT_MANIFEST = join(root, 'packages', 'client', 'package.json');

/**
 * The reasons why a repository must not be published as a tag.
 *
 * @param {object} release
 * @param {string} release.tag such as `v1.2.3`
 * @param {Record<string, string>} release.versions of each package, by its name
 * @param {string} release.changelog
 * @param {string[]} release.changesets files of changes that no version has yet
 * @returns {string[]}
 */
export function releaseProblems({ tag, versions, changelog, changesets }) {
  const version = tag.replace(/^v/, '');
  const problems = Object.entries(versions)
    .filter(([, its]) => its !== version)
    .map(([name, its]) => `${name} has version ${its}, the tag is ${tag}`);
  if (!/^v\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(tag)) problems.push(`the tag ${tag} must be a version, such as v1.2.3`);
  if (!changelog.split('\n').includes(`## ${version}`)) problems.push(`CHANGELOG.md has no heading "## ${version}"`);
  for (const file of changesets) problems.push(`.changeset/${file} is in no version: run the step "version"`);
  return problems;
}

/** Files of changes that no version has yet. */
export function openChangesets() {
  return readdirSync(CHANGESET_FOLDER).filter((file) => file.endsWith('.md') && file !== 'README.md');
}

export function packageVersions() {
  const manifests = [join(root, 'package.json'), CLIENT_MANIFEST].map(readJson);
  return Object.fromEntries(manifests.map(({ name, version }) => [name, version]));
}

function raiseVersion() {
  run(['exec', '--yes', '--', CHANGESETS, 'version']);
  const { version } = readJson(join(root, 'package.json'));
  // The packages change together. Changesets knows only the main one: the client is no workspace.
  const client = readJson(CLIENT_MANIFEST);
  writeFileSync(CLIENT_MANIFEST, `${JSON.stringify({ ...client, version }, null, 2)}\n`);
  run(['install', '--package-lock-only', '--ignore-scripts']);
  console.log(`Both packages have version ${version}. Review CHANGELOG.md, then commit and tag v${version}.`);
}

function run(args) {
  const { code, output } = npm(args);
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed.\n\n${output}`);
}

function check(tag) {
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const problems = releaseProblems({ tag, versions: packageVersions(), changelog, changesets: openChangesets() });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  console.log(`${tag} can be published.`);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function main([step, tag]) {
  if (step === 'version') raiseVersion();
  else if (step === 'check' && tag) check(tag);
  else throw new Error('Name a step: version, or check with a tag.');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
