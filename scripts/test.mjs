/**
 * Runs all checks, one stage after another, and stops at the first stage that fails.
 *
 *   npm test                all of it
 *   npm test -- NAME...     Jest only: a part of a file's path, -t "a name", --watch
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIENT_FOLDER } from './client-package.mjs';
import { pack } from './packed-project.mjs';
import { setup } from './setup.mjs';
import { bins, EXIT_SKIPPED, node, root } from './tools.mjs';

const SPINNER_MS = 100;
const tty = process.stdout.isTTY === true;
const temp = mkdtempSync(join(tmpdir(), 'nest-notifications-'));
const totals = { passed: 0, failed: 0, skipped: 0 };
let tarball;
let clientTarball;

/** One after another; the steps of a stage run at the same time. */
const stages = [
  [
    ['format', () => node([bins.prettier, '--check', '--log-level', 'warn', '.'])],
    // ESLint also reports type errors, in the sources, the tests, the examples and the benchmarks.
    ['lint and types', () => node([bins.eslint, '--max-warnings', '0', '.'])],
    ['build', () => node(['scripts/build.mjs'])],
  ],
  [['tests', () => jest([])]],
  [['publint', packAndLint]],
  [
    // A CommonJS import gets the ES module on purpose. Every supported Node can require() it.
    [
      'published types',
      () => forEachTarball((path) => node([bins.attw, path, '--ignore-rules', 'cjs-resolves-to-esm'])),
    ],
    ['packed, newest Nest', () => node(['scripts/pack-smoke.mjs', tarball])],
    ['packed, Nest 11', () => node(['scripts/pack-smoke.mjs', '--nest=11', tarball])],
    ['packed, client without Nest', () => node(['scripts/client-smoke.mjs', clientTarball, tarball])],
  ],
];

async function main(jestArguments) {
  await setup();
  if (jestArguments.length > 0) return (await jest(jestArguments)).code === 0;
  for (const [index, steps] of stages.entries()) {
    const title = `[${index + 1}/${stages.length}] ${steps.map(([name]) => name).join(', ')}`;
    if (!(await runStage(title, steps))) return false;
  }
  return true;
}

async function runStage(title, steps) {
  // Jest writes its progress to the terminal, and counts its tests.
  const live = steps.some(([name]) => name === 'tests');
  const stopProgress = showProgress(title, live);
  const results = await Promise.all(steps.map(([name, run]) => runStep(name, run)));
  stopProgress();
  for (const { name, result, took, output } of results) {
    console.log(`  ${name}: ${result} (${took})`);
    if (result !== 'ok') console.log(output.trimEnd());
    if (!live) totals[{ ok: 'passed', skipped: 'skipped', FAILED: 'failed' }[result]]++;
  }
  return results.every(({ result }) => result !== 'FAILED');
}

async function runStep(name, run) {
  const started = performance.now();
  const { code, output = '' } = await run().catch((error) => ({ code: 1, output: error.stack }));
  const result = code === 0 ? 'ok' : code === EXIT_SKIPPED ? 'skipped' : 'FAILED';
  return { name, result, took: seconds(started), output };
}

/**
 * Prints the title. On a terminal, it also shows the elapsed seconds, unless the step writes there
 * itself.
 */
function showProgress(title, live) {
  if (!tty || live) {
    console.log(title);
    return () => {};
  }
  const started = performance.now();
  const draw = () => process.stdout.write(`\r${title} … ${seconds(started)} `);
  draw();
  const timer = setInterval(draw, SPINNER_MS);
  return () => {
    clearInterval(timer);
    process.stdout.write(`\r\x1b[K${title}\n`);
  };
}

/**
 * Jest writes its progress to the terminal. A reporter writes the totals to a file.
 */
async function jest(args) {
  const totalsFile = join(temp, 'jest-totals.json');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  // `--reporters` comes after the names. Otherwise it would take a name as another reporter.
  const reporters = ['--reporters=default', '--reporters=<rootDir>/scripts/jest-totals.mjs'];
  const env = { ...process.env, JEST_TOTALS_FILE: totalsFile };
  const child = spawn(process.execPath, [...flags, bins.jest, ...args, ...reporters], {
    cwd: root,
    stdio: 'inherit',
    env,
  });
  const code = await new Promise((resolve) => child.on('close', (status) => resolve(status ?? 1)));

  const counts = existsSync(totalsFile) ? JSON.parse(readFileSync(totalsFile, 'utf8')) : {};
  for (const [name, count] of Object.entries(counts)) totals[name] += count;
  // Jest can also fail without a failed test: none found, or a worker crashed.
  if (code !== 0 && totals.failed === 0) totals.failed = 1;
  return { code };
}

async function packAndLint() {
  tarball = pack(temp);
  clientTarball = pack(temp, CLIENT_FOLDER);
  return forEachTarball((path) => node([bins.publint, 'run', '--strict', path]));
}

/** Runs a check on the main package, and on the client package if the first one passes. */
async function forEachTarball(check) {
  const result = await check(tarball);
  return result.code === 0 ? check(clientTarball) : result;
}

function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

let succeeded = false;
try {
  succeeded = await main(process.argv.slice(2));
} catch (error) {
  totals.failed++;
  console.error(error.message);
}
rmSync(temp, { recursive: true, force: true });
console.log(`\n${closingLine(totals)}`);
process.exitCode = succeeded ? 0 : 1;
