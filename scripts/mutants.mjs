/**
 * Plants the bugs of scripts/mutants/ in the library, one at a time, and runs the simulation
 * against each: `npm run proof:mutants [-- SEEDS [COPIES [FROM TO]]]`. The tests of the core, the
 * wire and the inbox run against bugs that the simulation misses. A bug that survives both shows a
 * gap in the tests. Prints the seed that caught each. A run of all bugs writes
 * docs/proof/mutants.json. With FROM and TO it runs the bugs of these numbers only.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUTANTS } from './mutants/list.mjs';
import { planted } from './mutants/plant.mjs';
import { bins, root } from './tools.mjs';

const SEEDS = Number(process.argv[2] ?? 2_000);
/**
 * A time limit that is longer than every run that ends. At a load of 16, the tests took 190
 * seconds.
 */
const RUN_MS_MAX = 400_000 + 100 * SEEDS;
/** Copies of the library that run at the same time. Most machines have a core for each. */
const COPIES = Number(process.argv[3] ?? 2);
const FROM = Number(process.argv[4] ?? 0);
const TO = Number(process.argv[5] ?? MUTANTS.length);
/** The tests to run. The name of a failed test describes the bug. */
const TESTS = 'test/(core|wire|inbox)/';

// Plant all bugs first, so that a bug that does not fit the code fails at once.
const mutants = MUTANTS.slice(FROM, TO).map((mutant) => ({ ...mutant, text: planted(mutant, original(mutant.file)) }));
const folder = join(root, '.cache', 'mutants');
rmSync(folder, { recursive: true, force: true });
const copies = Array.from({ length: COPIES }, (_, at) => copy(join(folder, String(at))));
const control = await caughtBy(copies[0], Math.min(SEEDS, 300));
if (control) throw new Error(`fails without a mutant: ${JSON.stringify(control)}`);
const results = [];
const left = [...mutants.entries()];
await Promise.all(copies.map(work));
rmSync(folder, { recursive: true });
if (results.length === MUTANTS.length) {
  mkdirSync(join(root, 'docs/proof'), { recursive: true });
  const report = { seedsMax: SEEDS, mutants: results };
  writeFileSync(join(root, 'docs/proof/mutants.json'), `${JSON.stringify(report, null, 2)}\n`);
}
const survivors = results.filter(({ caught }) => caught === null);
process.stdout.write(`${results.length - survivors.length} of ${results.length} caught\n`);
process.exitCode = survivors.length > 0 ? 1 : 0;

function copy(to) {
  mkdirSync(to, { recursive: true });
  for (const name of ['src', 'test', 'examples', 'scripts', 'jest.config.mjs', 'package.json'])
    cpSync(join(root, name), join(to, name), { recursive: true, filter: (from) => !from.endsWith('node_modules') });
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
  return to;
}

/** Plants the bugs into a copy, one after another. */
async function work(to) {
  for (let next = left.shift(); next; next = left.shift()) {
    const [at, { name, file, text }] = next;
    writeFileSync(join(to, 'src', file), text);
    const caught = await caughtBy(to, SEEDS);
    writeFileSync(join(to, 'src', file), original(file));
    results[at] = { name, file, caught: caught ?? null };
    process.stdout.write(`${caught ? 'caught  ' : 'SURVIVED'}  ${name}  ${caught ? JSON.stringify(caught) : ''}\n`);
  }
}

function original(file) {
  return readFileSync(join(root, 'src', file), 'utf8');
}

/**
 * Returns the seed that found the bug and its problem, or the first test that failed. Undefined if
 * the bug survives. A run that hangs has been caught too.
 */
async function caughtBy(cwd, seeds) {
  const args = ['--import', './scripts/typescript-hooks.mjs', 'test/simulation/first-failure.ts', String(seeds)];
  const simulated = await run(cwd, args);
  if (simulated.output.startsWith('{')) return JSON.parse(simulated.output);
  if (simulated.status !== 0) return { problem: 'the simulation does not end' };
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', bins.jest];
  const tested = await run(cwd, [...jest, TESTS, '--verbose', '--bail', '--maxWorkers=2']);
  if (tested.status === 0) return undefined;
  return { test: /✕ (.+?)(?: \(\d+ ms\))?$/m.exec(tested.output)?.[1] ?? 'a test without end' };
}

function run(cwd, args) {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, timeout: RUN_MS_MAX, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ status: error ? 1 : 0, output: stdout + stderr });
    });
  });
}
