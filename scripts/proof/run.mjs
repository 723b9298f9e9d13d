import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bins, root } from '../tools.mjs';

const MARK = '{"proof":';
const FAILURES_MAX = 20;
/** The timeout of tests without an own timeout. They run much longer here than in `npm test`. */
const TEST_MS_MAX = 3_600_000;

/** Runs one part, and returns its results. */
export async function runPart(part, sizes) {
  const startedAt = new Date();
  const started = performance.now();
  const { passed, failed, skipped, failures, details } = await (part.tests.length > 0
    ? runTests(part, sizes)
    : runMutants(sizes));
  return {
    name: part.name,
    what: part.what,
    startedAt: startedAt.toISOString(),
    seconds: Math.round((performance.now() - started) / 1_000),
    ...part.count({ passed, details, sizes }),
    passed,
    failed,
    skipped,
    failures,
    details,
    environment: part.env(sizes),
    node: process.version,
  };
}

async function runTests({ tests, env }, sizes) {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-proof-'));
  const outputFile = join(folder, 'jest.json');
  const args = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    bins.jest,
    ...tests,
    '--json',
    `--testTimeout=${TEST_MS_MAX}`,
    `--outputFile=${outputFile}`,
  ];
  try {
    const output = await run(args, { TEST_DEPTH: 'all', ...env(sizes) });
    const report = JSON.parse(readFileSync(outputFile, 'utf8'));
    const failures = report.testResults.flatMap(({ name, message, assertionResults }) => {
      const failed = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
      // The suite could not run, or left a handle open.
      return failed.length === 0 && message ? [name.slice(root.length)] : failed;
    });
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
      skipped: report.numPendingTests,
      failures: failures.slice(0, FAILURES_MAX),
      details: output
        .split('\n')
        .filter((line) => line.startsWith(MARK))
        .map((line) => JSON.parse(line)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runMutants(sizes) {
  const output = await run(['scripts/mutants.mjs', String(sizes['mutant-seeds'])], {});
  // The script prints this line last. Without it, the result file is from an earlier run.
  if (!/^\d+ of \d+ caught$/m.test(output)) throw new Error('scripts/mutants.mjs ended early; see its output above');
  const { mutants } = JSON.parse(readFileSync(join(root, 'docs/proof/mutants.json'), 'utf8'));
  const survivors = mutants.filter(({ caught }) => caught === null);
  return {
    passed: mutants.length - survivors.length,
    failed: survivors.length,
    skipped: 0,
    failures: survivors.map(({ name }) => name),
    details: [{ proof: 'mutants', mutants: mutants.length, seeds: sizes['mutant-seeds'] }],
  };
}

/** Prints the output of a script while it runs, and resolves with the output. */
function run(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stdout.write(text);
    });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}
