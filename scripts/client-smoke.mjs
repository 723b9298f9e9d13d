/**
 * Uses the tarball of `nest-notifications-client` in a project that has no Nest: from an ES module,
 * from CommonJS and from TypeScript. Then it adds the main package, which has a copy of the client.
 *
 *   node scripts/client-smoke.mjs [client tarball] [main tarball]
 */
import assert from 'node:assert/strict';
import { buildSync } from 'esbuild';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { CLIENT_FOLDER } from './client-package.mjs';
import { checkContents, checkRuns, compile, pack, unpack } from './packed-project.mjs';
import { root } from './tools.mjs';

const EXPECTED_TOP = ['LICENSE', 'README.md', 'dist', 'package.json'];
/** A project for browsers does not have the types of Node. */
const FRONT_END = { types: [], lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.asynciterable.d.ts'] };

// The real path, because Node and TypeScript resolve links before they compare paths.
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'client-smoke-')));
try {
  const [clientTarball = pack(folder, CLIENT_FOLDER), mainTarball = pack(folder)] = process.argv.slice(2);
  checkVersions();
  const project = makeProject(clientTarball);
  checkContents(join(project, 'node_modules', 'nest-notifications-client'), EXPECTED_TOP);
  for (const file of ['esm.mjs', 'cjs.cjs']) await checkRuns(project, file);
  checkTypes(project);
  checkBundles(project);
  unpack(mainTarball, project, 'nest-notifications');
  await checkRuns(project, 'two-copies.mjs');
  compile(ts, project, { ...FRONT_END, ...resolution('Bundler'), files: ['two-copies.ts'] });
  console.log('Imported, required, compiled and bundled without Nest, and beside the main package.');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Both packages are published together. */
function checkVersions() {
  const [main, client] = [root, CLIENT_FOLDER].map((path) =>
    JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')),
  );
  for (const field of ['version', 'license', 'type', 'sideEffects', 'engines']) {
    assert.deepEqual(client[field], main[field], `${field} of packages/client/package.json`);
  }
  assert.equal(client.peerDependencies.react, main.peerDependencies.react, 'the peer range of react');
}

function makeProject(tarball) {
  const project = join(folder, 'project');
  unpack(tarball, project, 'nest-notifications-client');
  mkdirSync(join(project, 'node_modules', '@types'));
  for (const name of ['react', '@types/react', 'csstype']) {
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name), 'junction');
  }
  cpSync(join(root, 'test', 'consumer', 'client'), project, { recursive: true });
  for (const name of ['types.mts', 'types.cts']) cpSync(join(project, 'types.ts'), join(project, name));
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  return project;
}

function checkTypes(project) {
  compile(ts, project, { ...FRONT_END, ...resolution('Bundler'), files: ['types.ts'] });
  compile(ts, project, { ...FRONT_END, ...resolution('NodeNext'), files: ['types.mts', 'types.cts'] });
  // TypeScript 6 reports this resolution as deprecated. Projects with TypeScript 5 may use it.
  compile(ts, project, { ...FRONT_END, ...resolution('Node10'), ignoreDeprecations: '6.0', files: ['types.ts'] });
}

function resolution(name) {
  return {
    target: ts.ScriptTarget.ES2022,
    module: { Bundler: ts.ModuleKind.ESNext, NodeNext: ts.ModuleKind.NodeNext, Node10: ts.ModuleKind.CommonJS }[name],
    moduleResolution: ts.ModuleResolutionKind[name],
  };
}

/** A bundler for browsers fails if a file imports a module of Node. */
function checkBundles(project) {
  const contents = ['', '/tabs', '/inbox', '/inbox-element', '/react']
    .map((entry) => `export * from 'nest-notifications-client${entry}';`)
    .join('\n');
  const { metafile } = buildSync({
    stdin: { contents, resolveDir: project },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    external: ['react'],
    metafile: true,
    write: false,
  });
  const foreign = Object.keys(metafile.inputs).filter((path) => !path.includes('nest-notifications-client/dist/'));
  assert.deepEqual(foreign, ['<stdin>'], 'files of other packages in the bundle');
}
