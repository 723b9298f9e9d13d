/**
 * Makes projects with the Nest CLI, adds the tarball of the repository with `nest add`, builds the
 * projects, delivers a notification, and runs their tests. It also installs libraries that have the
 * same peer dependencies as this library.
 *
 *   node scripts/new-project-smoke.mjs [--only=NAME] [tarball]
 *
 * It needs the npm registry and some minutes, so `.ci/run` runs it and `npm test` does not.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { toESModules } from './new-project/es-modules.mjs';
import { DOWN, ENTER, nestAdd, nestNew, run } from './new-project/nest-cli.mjs';
import { pack } from './packed-project.mjs';
import { EXIT_SKIPPED, inCI, npm, root } from './tools.mjs';

/** The start of a small application, on a busy machine. */
const START_MS_MAX = 60_000;
/** The setting of docs/getting-started.md for Jest without ES modules. */
const JEST = { transformIgnorePatterns: ['/node_modules/(?!nest-notifications/)'] };

/** The first Node in which Jest can require() an ES module. Nest 12 with Jest relies on it. */
const JEST_REQUIRES_ESM = [24, 9];

/**
 * `new` and `add` are flags, and answers to the questions of the CLI. If a command has neither
 * flags nor answers, it runs without a terminal and uses the defaults.
 */
const PROJECTS = [
  {
    name: 'nest-11-cjs',
    new: { cli: '11' },
    add: { flags: ['--store=memory', '--access=public'] },
    jest: JEST,
    beside: ['bullmq', 'ioredis@5'],
  },
  { name: 'nest-11-esm', new: { cli: '11' }, convert: toESModules, add: {}, jest: JEST, beside: ['typeorm'] },
  {
    name: 'nest-12-cjs',
    new: { cli: '12', flags: ['--no-observe'], answers: [[/Which module system/, `${DOWN}${ENTER}`]] },
    add: {
      answers: [
        [/Where is the log stored/, `${DOWN}${ENTER}`],
        [/Who may read/, ENTER],
      ],
    },
    store: 'sqliteStore',
    since: JEST_REQUIRES_ESM,
    beside: ['typeorm', 'ioredis@5', 'pg'],
  },
  {
    name: 'nest-12-esm',
    new: { cli: '12' },
    add: { flags: ['--store=sqlite', '--access=public'] },
    store: 'sqliteStore',
    beside: ['bullmq', 'ioredis@6'],
  },
];

async function main(args) {
  const only = args.find((arg) => arg.startsWith('--only='))?.slice('--only='.length);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'new-project-')));
  try {
    if (npm(['ping']).code !== 0) return skip();
    const tarball = realpathSync(args.find((arg) => !arg.startsWith('--')) ?? pack(folder));
    for (const project of PROJECTS) {
      if (only && project.name !== only) continue;
      const started = performance.now();
      const path = join(folder, project.name);
      await nestNew(path, project.new);
      project.convert?.(path);
      await nestAdd(path, tarball, project.add);
      checkEdits(path, project);
      // `npm install` fails when peers conflict.
      run(['install', '--no-audit', '--no-fund', '--loglevel=error', ...project.beside], path);
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

/** The chosen store is in AppModule, and only projects of Nest 11 have the setting of Jest. */
function checkEdits(path, { jest, store }) {
  const module = readFileSync(join(path, 'src', 'app.module.ts'), 'utf8');
  assert.ok(module.includes('NotificationsModule.forRoot('), module);
  assert.equal(/(\w+Store)\(/.exec(module)?.[1], store);
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  assert.deepEqual(manifest.jest?.transformIgnorePatterns, jest?.transformIgnorePatterns);
}

/** Builds the project, and receives the notification of the example controller. */
async function checkExample(path) {
  run(['run', 'build'], path);
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

await main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
