/**
 * Generates projects with the Nest CLI, installs the tarball into them beside libraries with the
 * same peers, runs `nest add`, builds them, delivers a notification, and runs their tests.
 *
 *   node scripts/new-project-smoke.mjs [--only=NAME] [tarball]
 *
 * It needs the npm registry and some minutes, so `.ci/run` runs it and `npm test` does not.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pack } from './packed-project.mjs';
import { EXIT_SKIPPED, inCI, npm, root } from './tools.mjs';

const APP = 'app';
/** The start of a small application, on a busy machine. */
const START_MS_MAX = 60_000;
/** The setting of docs/getting-started.md for Jest without ES modules. */
const JEST = { transformIgnorePatterns: ['/node_modules/(?!nest-notifications/)'] };
/**
 * The generated development dependencies to install. The others are not used here, and take most of
 * the time.
 */
const USED =
  /^@nestjs\/testing$|^@types\/(?:jest|node)$|^(?:jest|ts-jest|ts-node|typescript|vitest|vite-tsconfig-paths)$/;

/** The first Node in which Jest can require() an ES module. Nest 12 with Jest relies on it. */
const JEST_REQUIRES_ESM = [24, 9];

const PROJECTS = [
  { name: 'nest-11-jest', schematics: '11', options: [], jest: JEST, beside: ['bullmq', 'ioredis@5'] },
  {
    name: 'nest-12-jest',
    schematics: '12',
    options: ['--type=cjs'],
    since: JEST_REQUIRES_ESM,
    beside: ['typeorm', 'ioredis@5', 'pg'],
  },
  { name: 'nest-12-vitest', schematics: '12', options: ['--type=esm'], beside: ['bullmq', 'ioredis@6'] },
];

async function main(args) {
  const only = args.find((arg) => arg.startsWith('--only='))?.slice('--only='.length);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'new-project-')));
  try {
    if (npm(['ping']).code !== 0) return skip();
    const tarball = args.find((arg) => !arg.startsWith('--')) ?? pack(folder);
    for (const project of PROJECTS) {
      if (only && project.name !== only) continue;
      const started = performance.now();
      const path = join(folder, project.name);
      generate(path, project);
      install(path, project, realpathSync(tarball));
      add(path, project);
      await checkExample(path);
      if (project.since && !isSince(project.since)) {
        console.log(`${project.name}: its tests are skipped, they need Node ${project.since.join('.')}`);
      } else runTests(path);
      console.log(`${project.name}: ok (${Math.round((performance.now() - started) / 1000)} s)`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function skip() {
  const reason = 'The npm registry cannot be reached: no project can be generated.';
  if (inCI) throw new Error(reason);
  console.log(reason);
  process.exitCode = EXIT_SKIPPED;
}

/**
 * Generates a project like `nest new`. That command prompts for the module system and has no option
 * for it.
 */
function generate(path, { schematics, options }) {
  const packages = [`--package=@nestjs/schematics@${schematics}`, '--package=@angular-devkit/schematics-cli'];
  const command = [
    'schematics',
    '@nestjs/schematics:application',
    `--name=${APP}`,
    `--directory=${basename(path)}`,
    ...options,
  ];
  run(['exec', '--yes', ...packages, '--', ...command], dirname(path));
  assert.ok(existsSync(join(path, 'package.json')), `${path} was not generated`);
}

/** `npm install` fails when peers conflict. */
function install(path, { beside }, tarball) {
  edit(join(path, 'package.json'), (manifest) => {
    const development = Object.entries(manifest.devDependencies).filter(([name]) => USED.test(name));
    manifest.devDependencies = Object.fromEntries(development);
  });
  run(['install', '--no-audit', '--no-fund', '--loglevel=error', tarball, ...beside], path);
}

/** Runs the schematic as `nest add` does. Only projects of Nest 11 get the setting of Jest. */
function add(path, { jest }) {
  const schematic = ['schematics', 'nest-notifications:nest-add', '--source-root=src', '--access=public'];
  const answers = ['--store=memory', '--interactive=false'];
  run(['exec', '--yes', '--package=@angular-devkit/schematics-cli', '--', ...schematic, ...answers], path);
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  assert.deepEqual(manifest.jest?.transformIgnorePatterns, jest?.transformIgnorePatterns);
}

/** Builds the project, and receives the notification of the example controller. */
async function checkExample(path) {
  run(['exec', '--', 'tsc', '-p', 'tsconfig.build.json'], path);
  const port = await freePort();
  const env = { ...process.env, PORT: String(port) };
  const child = spawn(process.execPath, ['dist/main.js'], { cwd: path, env, stdio: 'ignore' });
  try {
    await isListening(port);
    const feed = `http://127.0.0.1:${port}/notifications?topic=example`;
    const { cursor } = await (await fetch(`${feed}&wait=0`)).json();
    const held = fetch(`${feed}&cursor=${cursor}`);
    assert.equal((await fetch(`http://127.0.0.1:${port}/example`, { method: 'POST' })).status, 201);
    const { notifications } = await (await held).json();
    assert.deepEqual(
      notifications.map(({ type }) => type),
      ['example.created'],
    );
  } finally {
    child.kill();
    await once(child, 'exit');
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when the application answers. It fails after START_MS_MAX. */
async function isListening(port) {
  const deadline = Date.now() + START_MS_MAX;
  while (!(await fetch(`http://127.0.0.1:${port}`).catch(() => undefined))) {
    assert.ok(Date.now() < deadline, 'the application does not answer');
    await setTimeout(100);
  }
}

function runTests(path) {
  cpSync(join(root, 'test', 'new-project'), join(path, 'src'), { recursive: true });
  run(['test'], path);
}

function isSince([major, minor]) {
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function edit(file, change) {
  const content = JSON.parse(readFileSync(file, 'utf8'));
  change(content);
  writeFileSync(file, JSON.stringify(content, undefined, 2));
}

function run(args, cwd) {
  const { code, output } = npm(args, { cwd });
  assert.equal(code, 0, output);
}

await main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
