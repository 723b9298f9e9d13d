/**
 * Runs the long form of the fault tests, and writes a report of runs and failures into docs/proof/:
 *
 *   npm run proof                         all parts, some hours
 *   npm run proof -- faults leaks         these parts; the others keep their last results
 *   npm run proof -- soak --soak=3600     another size than in scripts/proof/parts.mjs
 *   npm run proof -- --report             no part; writes the report again from its JSON
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { chart } from './proof/chart.mjs';
import { PARTS, SIZES } from './proof/parts.mjs';
import { reportText } from './proof/report.mjs';
import { runPart } from './proof/run.mjs';
import { root } from './tools.mjs';

const folder = join(root, 'docs/proof');
const file = join(folder, 'report.json');

const sizeFlags = Object.fromEntries(Object.keys(SIZES).map((name) => [name, { type: 'string' }]));
const { values, positionals } = parseArgs({
  options: { ...sizeFlags, report: { type: 'boolean' } },
  allowPositionals: true,
});
const sizes = Object.fromEntries(Object.entries(SIZES).map(([name, size]) => [name, sizeOf(name, size)]));
const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  throw new Error(`no part is called ${unknown.join(', ')}; there are ${PARTS.map(({ name }) => name).join(', ')}`);
}

const chosen = values.report ? [] : PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
let failed = 0;
for (const part of chosen) {
  console.log(`\n${part.name}: ${part.what}`);
  const result = await runPart(part, sizes);
  failed += result.failed;
  // Writes the report after each part, so an aborted run keeps the earlier parts.
  await writeReport(result);
}
if (values.report) await writeReport();
process.exitCode = failed > 0 ? 1 : 0;

function sizeOf(name, size) {
  const value = Number(values[name] ?? size);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} is ${values[name]}, must be a whole number from 1`);
  return value;
}

/** Keeps the order of `PARTS`, and the last result of each part. */
async function writeReport(result) {
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).parts : [];
  const parts = PARTS.flatMap(({ name }) => {
    const found = result?.name === name ? result : before.find((part) => part.name === name);
    return found ? [found] : [];
  });
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const report = { machine, versions: versions(), parts };
  const caption = `npm run proof, ${
    parts
      .map(({ startedAt }) => startedAt.slice(0, 10))
      .sort()
      .at(-1) ?? ''
  }, ${machine}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'report.svg'), chart(parts, caption));
  await write('report.md', reportText(report));
  await write('report.json', JSON.stringify(report));
}

async function write(name, text) {
  const path = join(folder, name);
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}

/** The versions of the programs that take part, if they are installed. */
function versions() {
  const [postgres] = ['postgres', ...postgresPrograms()].filter((program) => versionOf(program));
  const found = ['redis-server', postgres, 'nats-server', 'nginx', 'haproxy'].map(
    (program) => program && versionOf(program),
  );
  return [`Node ${process.version}`, ...found.filter(Boolean)];
}

function postgresPrograms() {
  const installed = '/usr/lib/postgresql';
  return existsSync(installed) ? readdirSync(installed).map((version) => join(installed, version, 'bin/postgres')) : [];
}

function versionOf(program) {
  const flag = /nginx|haproxy/.test(program) ? '-v' : '--version';
  const { PATH = '' } = process.env;
  const env = { ...process.env, PATH: `${PATH}:/usr/sbin:/sbin` };
  const { status, stdout, stderr } = spawnSync(program, [flag], { encoding: 'utf8', env });
  const version = status === 0 ? /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] : undefined;
  return version && `${program.split('/').at(-1)} ${version}`;
}
