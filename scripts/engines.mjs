/**
 * Installs other versions of the engines. Some tests run on these versions too.
 *
 *   node scripts/engines.mjs            all
 *   node scripts/engines.mjs NAME...    some, by their names below
 *
 * Each engine is a package of another Debian suite, extracted without root into
 * node_modules/.cache/engines/NAME. Programs start through links in its folder `bin`. The mirror is
 * the one of the machine's own apt configuration. Tests of an engine that is missing are skipped.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setup } from './setup.mjs';
import { root } from './tools.mjs';

/**
 * @typedef {object} Engine
 * @property {string} suite the Debian suite
 * @property {string[]} packages each is extracted, in this order
 * @property {string[]} programs paths inside the packages
 * @property {string} [loader] path of the suite's own ld.so, for programs that need a newer C
 * library
 */

/** @type {Record<string, Engine>} */
const ENGINES = {
  'nats-2.10': { suite: 'trixie', packages: ['nats-server'], programs: ['usr/sbin/nats-server'] },
  'nats-newest': { suite: 'sid', packages: ['nats-server'], programs: ['usr/sbin/nats-server'] },
  'valkey-8': {
    suite: 'bookworm-backports',
    packages: ['valkey-tools', 'valkey-server'],
    programs: ['usr/bin/valkey-server', 'usr/bin/valkey-cli'],
  },
  'redis-newest': {
    suite: 'sid',
    packages: [
      'libc6',
      'libssl3t64',
      'zlib1g',
      'libzstd1',
      'libjemalloc2',
      'liblzf1',
      'liblua5.1-0',
      'libsystemd0',
    ].concat(['libcap2', 'libgcc-s1', 'libstdc++6', 'libatomic1', 'redis-tools', 'redis-server']),
    programs: ['usr/bin/redis-server', 'usr/bin/redis-cli'],
    loader: 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2',
  },
};

const CACHE = join(root, 'node_modules', '.cache', 'engines');
/** Lists and packages, removed at the end. */
const APT = join(CACHE, 'apt');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** apt must find these folders. */
const APT_FOLDERS = ['lists/partial', 'cache/archives/partial', 'packages'];

// Installing the dependencies may replace the folder that the engines are in.
await setup();
const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : Object.keys(ENGINES)) {
  try {
    install(name);
    console.log(`${name} is installed.`);
  } catch (error) {
    console.error(`${name} is not installed: ${error.message}`);
    process.exitCode = 1;
  }
}
rmSync(APT, { recursive: true, force: true });

function install(name) {
  const engine = ENGINES[name];
  if (!engine) throw new Error(`unknown engine ${name}; the engines are ${Object.keys(ENGINES).join(', ')}`);
  const folder = join(CACHE, name);
  if (existsSync(join(folder, 'bin'))) return;
  const files = join(folder, 'files');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(files, { recursive: true });
  for (const file of download(engine)) run('dpkg-deb', ['-x', file, files]);
  // The folder of programs comes last: it shows that the engine is complete.
  const bin = join(folder, 'bin.new');
  mkdirSync(bin);
  for (const program of engine.programs) link(bin, program, engine);
  run('mv', [bin, join(folder, 'bin')]);
}

/** Makes a program startable by its plain name. */
function link(bin, program, { loader }) {
  const path = join(bin, basename(program));
  const target = join('..', 'files', program);
  if (!existsSync(join(bin, target))) throw new Error(`the packages have no ${program}`);
  if (!loader) {
    symlinkSync(target, path);
    return;
  }
  const libraries = join('..', 'files', dirname(loader));
  writeFileSync(
    path,
    `#!/bin/sh\nbin=$(dirname "$0")\nexec "$bin/../files/${loader}" --library-path "$bin/${libraries}" "$bin/${target}" "$@"\n`,
  );
  chmodSync(path, 0o755);
}

/** Downloads the packages of an engine. Returns the paths of their files. */
function download({ suite, packages }) {
  const apt = join(APT, suite);
  for (const folder of APT_FOLDERS) mkdirSync(join(apt, folder), { recursive: true });
  const signedBy = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : '';
  writeFileSync(join(apt, 'sources'), `deb${signedBy} ${mirror()} ${suite} main\n`);
  const options = {
    'Dir::Etc::SourceList': join(apt, 'sources'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::State::Status': '/dev/null',
    'Dir::Cache': join(apt, 'cache'),
    'Acquire::Languages': 'none',
    // apt's own user could not write into this folder.
    'APT::Sandbox::User': 'root',
  };
  const args = Object.entries(options).flatMap(([option, value]) => ['-o', `${option}=${value}`]);
  const target = join(apt, 'packages');
  run('apt-get', ['-q', 'update', ...args]);
  run('apt-get', ['-q', 'download', ...packages, ...args], { cwd: target });
  return packages.map((name) => {
    const file = readdirSync(target).find((one) => one.startsWith(`${name}_`));
    if (!file) throw new Error(`the suite ${suite} has no package ${name}`);
    return join(target, file);
  });
}

/** The mirror from which this machine installs its own packages. */
function mirror() {
  const [, codename] = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
  const targets = run('apt-get', ['indextargets', '--format', '$(ORIGIN) $(RELEASE) $(REPO_URI)']);
  const own = targets.split('\n').find((line) => line.startsWith(`Debian ${codename} `));
  if (!own) throw new Error('apt-get knows no mirror of Debian (run apt-get update first)');
  return own.split(' ').at(-1);
}

function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (error) throw new Error(`${program} does not start: ${error.message}`);
  if (status !== 0) throw new Error(`${program} failed: ${stderr.trim()}`);
  return stdout;
}
