/**
 * Runs suites on the newest Node version of each line. These suites depend on the runtime. Also
 * checks the packed package.
 *
 *   npm run test:nodes                  all lines except the line of this Node
 *   npm run test:nodes -- 26            one line, or several
 *   npm run test:nodes -- 26 -- e2e/sse Jest's own arguments instead of the usual suites
 *
 * The binaries come from the npm registry, into node_modules/.cache/nodes.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setup } from './setup.mjs';
import { bins, EXIT_SKIPPED, inCI, npm, root } from './tools.mjs';

const LINES = ['20', '22', '24', '26'];
/**
 * These suites use sockets, timers and streams of the runtime the most. Newer lines also have an
 * SQLite library.
 */
const SUITES = ['test/core', 'test/wire', 'test/nest', 'test/client', 'test/e2e', 'test/stores/sqlite-node'];
/**
 * Generated projects are tested once, on the first line of the run with all that the CLI of Nest 12
 * needs.
 */
const PROJECTS_SINCE = 24;

const CACHE = join(root, 'node_modules', '.cache', 'nodes');

async function main(args) {
  await setup();
  const [lines, jestArguments] = parse(args);
  for (const line of lines) {
    const binary = install(line);
    if (!binary) {
      const reason = `Node ${line} could not be installed. Is the npm registry reachable?`;
      if (inCI) throw new Error(reason);
      console.log(reason);
      process.exitCode = EXIT_SKIPPED;
      return;
    }
    const withProjects = line === lines.find((other) => Number(other) >= PROJECTS_SINCE);
    for (const step of steps(jestArguments, withProjects)) await run(line, binary, step);
  }
}

/** Line numbers, and the arguments after `--`. */
function parse(args) {
  const at = args.includes('--') ? args.indexOf('--') : args.length;
  const named = args.slice(0, at);
  const unknown = named.filter((line) => !LINES.includes(line));
  assert.deepEqual(unknown, [], `Node lines are ${LINES.join(', ')}`);
  const own = process.versions.node.split('.')[0];
  return [named.length > 0 ? named : LINES.filter((line) => line !== own), args.slice(at + 1)];
}

function steps(jestArguments, withProjects) {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  if (jestArguments.length > 0) return [[...flags, bins.jest, ...jestArguments]];
  return [
    [...flags, bins.jest, ...SUITES],
    ['scripts/build.mjs'],
    ['scripts/pack-smoke.mjs'],
    ...(withProjects ? [['scripts/new-project-smoke.mjs']] : []),
  ];
}

/** The package of the platform's binary: unlike `node`, it has no install script. */
function install(line) {
  const { platform, arch } = process;
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node';
  const name = `${prefix}-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const folder = join(CACHE, line);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // With a version in the name, npm replaces an installed older release of the line.
  const { code, output } = npm(['install', '--no-audit', '--no-fund', '--loglevel=error', `${name}@${line}`], {
    cwd: folder,
  });
  if (code !== 0) {
    console.error(output);
    return undefined;
  }
  return join(folder, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node');
}

/**
 * The PATH begins with this binary, so tests that start `node` use it. The usual depth is enough
 * here.
 */
async function run(line, binary, args) {
  const env = { ...process.env, PATH: `${dirname(binary)}${delimiter}${process.env.PATH}`, TEST_DEPTH: '' };
  const child = spawn(binary, args, { cwd: root, stdio: 'inherit', env });
  const code = await new Promise((resolve) => child.on('close', (status) => resolve(status ?? 1)));
  assert.ok(code === 0 || code === EXIT_SKIPPED, `On Node ${line} this failed: ${args.join(' ')}`);
}

await main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
