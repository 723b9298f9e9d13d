/**
 * Uses the tarball of the package in another project: from an ES module, from CommonJS and from
 * TypeScript. Nest is the repository's own version, or with `--nest=11` the oldest supported one.
 *
 *   node scripts/pack-smoke.mjs [--nest=11] [tarball]
 *
 * The project gets links to the repository's dependencies, so the test is quick and needs no
 * network. The first run with `--nest=11` installs Nest 11 into test/nest11.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { checkContents, checkRuns, compile, pack, unpack } from './packed-project.mjs';
import { install, isInstalled } from './setup.mjs';
import { EXIT_SKIPPED, inCI, root } from './tools.mjs';

const PLATFORMS = ['@nestjs/platform-express', '@nestjs/platform-fastify', 'reflect-metadata'];
/** Types of libraries that have none of their own. */
const TYPES = ['@types/node', '@types/pg', '@types/react'];
const EXPECTED_TOP = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'dist', 'package.json', 'schematics'];

async function main(args) {
  const onNest11 = args.includes('--nest=11');
  const nestFolder = onNest11 ? join(root, 'test', 'nest11') : root;
  if (onNest11 && !isInstalled(nestFolder)) installNest11(nestFolder);

  // The real path, because Node and TypeScript resolve links before they compare paths.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pack-smoke-')));
  try {
    const tarball = args.find((arg) => !arg.startsWith('--')) ?? pack(folder);
    const project = makeProject(folder, tarball, nestFolder);
    checkContents(join(project, 'node_modules', 'nest-notifications'), EXPECTED_TOP);
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

/**
 * A project with the unpacked tarball, links to its dependencies, and the files of test/consumer.
 */
function makeProject(folder, tarball, nestFolder) {
  const project = join(folder, 'project');
  const modules = join(project, 'node_modules');
  unpack(tarball, project, 'nest-notifications');

  const manifest = JSON.parse(readFileSync(join(modules, 'nest-notifications', 'package.json'), 'utf8'));
  const link = (name, from) => {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(from, 'node_modules', name), join(modules, name), 'junction');
  };
  // Nest 11 has its own versions of some packages. Drivers and React are the same for both.
  for (const name of [...Object.keys(manifest.peerDependencies), ...PLATFORMS]) {
    link(name, existsSync(join(nestFolder, 'node_modules', name)) ? nestFolder : root);
  }
  for (const name of [...Object.keys(manifest.dependencies), ...TYPES]) link(name, root);
  cpSync(join(root, 'test', 'consumer'), project, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  return project;
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
    // TypeScript 6 reports this resolution as deprecated. Applications with TypeScript 5 may use
    // it.
    ignoreDeprecations: '6.0',
    target: ts.ScriptTarget.ES2021,
  });
}

await main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
