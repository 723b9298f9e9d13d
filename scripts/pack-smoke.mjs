/**
 * Packs the package as `npm publish` does, and uses the tarball in a project of its own: from an ES
 * module, from CommonJS and from TypeScript. It runs on the newest Nest (the repository's own), or
 * with `--nest=11` on the oldest supported one.
 *
 *   node scripts/pack-smoke.mjs [--nest=11] [tarball]
 *
 * Nothing is installed into the temporary project: its dependencies are links into this repository.
 * So the test is quick and needs no network. Only Nest 11 is installed, once, into test/nest11.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { install, isInstalled } from './setup.mjs';
import { EXIT_SKIPPED, inCI, node, npm, root } from './tools.mjs';

const PLATFORMS = ['@nestjs/platform-express', '@nestjs/platform-fastify', 'reflect-metadata'];
/** Types of libraries that bring none. */
const TYPES = ['@types/node', '@types/pg', '@types/react'];
const EXPECTED_TOP = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'dist', 'package.json'];

/** Packs a package of the repository into a folder. Returns the tarball's path. */
export function pack(folder, packageFolder = root) {
  const args = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const { code, output } = npm(args, { cwd: packageFolder });
  assert.equal(code, 0, output);
  return join(folder, output.trim().split('\n').at(-1));
}

async function main(args) {
  const onNest11 = args.includes('--nest=11');
  const nestFolder = onNest11 ? join(root, 'test', 'nest11') : root;
  if (onNest11 && !isInstalled(nestFolder)) installNest11(nestFolder);

  // The real path, since Node and TypeScript see through links and compare with it.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pack-smoke-')));
  try {
    const tarball = args.find((arg) => !arg.startsWith('--')) ?? pack(folder);
    const project = makeProject(folder, tarball, nestFolder);
    checkContents(join(project, 'node_modules', 'nest-notifications'));
    for (const file of ['esm.mjs', 'cjs.cjs']) await checkRuns(project, file);
    await checkTypes(project);
    const { version } = JSON.parse(readFileSync(join(nestFolder, 'node_modules/@nestjs/core/package.json'), 'utf8'));
    console.log(`Nest ${version}: imported, required and compiled; delivers on Express and Fastify.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function installNest11(folder) {
  const { code, output } = install(folder);
  if (code === 0) return;
  const reason = `Nest 11 could not be installed into ${relative(root, folder)}`;
  if (inCI) throw new Error(`${reason}.\n\n${output}`);
  console.log(`${reason}: is the npm registry reachable?`);
  process.exit(EXIT_SKIPPED);
}

/** A project with the unpacked tarball, links to what it needs, and the files of test/consumer. */
function makeProject(folder, tarball, nestFolder) {
  const project = join(folder, 'project');
  const modules = join(project, 'node_modules');
  unpack(tarball, project, 'nest-notifications');

  const manifest = JSON.parse(readFileSync(join(modules, 'nest-notifications', 'package.json'), 'utf8'));
  const link = (name, from) => {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(from, 'node_modules', name), join(modules, name), 'junction');
  };
  // Packages of Nest 11 come from there; drivers and React are the same for both.
  for (const name of [...Object.keys(manifest.peerDependencies), ...PLATFORMS]) {
    link(name, existsSync(join(nestFolder, 'node_modules', name)) ? nestFolder : root);
  }
  for (const name of [...Object.keys(manifest.dependencies), ...TYPES]) link(name, root);
  cpSync(join(root, 'test', 'consumer'), project, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  return project;
}

/** Unpacks a tarball into the node_modules of a project. */
export function unpack(tarball, project, name) {
  const modules = join(project, 'node_modules');
  mkdirSync(modules, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, name));
}

export function checkContents(packageFolder, top = EXPECTED_TOP) {
  assert.deepEqual(readdirSync(packageFolder).sort(), top, 'the top of the tarball');
  const dist = readdirSync(join(packageFolder, 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const strange = dist.filter((path) => !/(?<!\.(?:test|spec|bench))\.(?:js|js\.map|d\.ts)$/.test(path));
  assert.deepEqual(strange, [], 'files in dist that do not belong there');
}

/**
 * A warning fails too, such as Node's when it requires an ES module: it would greet every user at
 * each start.
 */
export async function checkRuns(project, file) {
  const { code, output } = await node([file], { cwd: project });
  assert.equal(code, 0, `${file}:\n${output}`);
  assert.equal(output, '', `${file} must print nothing`);
}

async function checkTypes(project) {
  const { default: ts } = await import('typescript');
  compile(ts, project, {
    files: ['types.mts', 'types.cts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  });
  compile(ts, project, {
    files: ['types.ts'],
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    // TypeScript 6 rejects this resolution otherwise. Applications with TypeScript 5 have it by
    // default.
    ignoreDeprecations: '6.0',
    target: ts.ScriptTarget.ES2021,
  });
}

/**
 * Compiles with skipLibCheck off, but reports only the package's own types and their use: errors in
 * other packages' types are theirs.
 */
export function compile(ts, project, { files, ...options }) {
  const program = ts.createProgram(
    files.map((file) => join(project, file)),
    {
      types: ['node'],
      typeRoots: [join(project, 'node_modules', '@types')],
      strict: true,
      exactOptionalPropertyTypes: true,
      experimentalDecorators: true,
      skipLibCheck: false,
      noEmit: true,
      ...options,
    },
  );
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(project.split(sep).join('/')));
  assert.ok(
    own.some(({ fileName }) => /nest-notifications(?:-client)?\/dist\/(?:client\/)?index\.d\.ts$/.test(fileName)),
    'types must be found',
  );
  const problems = [
    ...program.getOptionsDiagnostics(),
    ...own.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  const host = { getCurrentDirectory: () => project, getCanonicalFileName: (name) => name, getNewLine: () => '\n' };
  assert.equal(ts.formatDiagnostics(problems, host), '', `type errors in ${files.join(', ')}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
