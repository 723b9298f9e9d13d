/** Projects that use a tarball of the repository, as other projects do after an installation. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join, sep } from 'node:path';
import { node, npm, root } from './tools.mjs';

/** Packs a package of the repository into a folder. Returns the tarball's path. */
export function pack(folder, packageFolder = root) {
  const args = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const { code, output } = npm(args, { cwd: packageFolder });
  assert.equal(code, 0, output);
  return join(folder, output.trim().split('\n').at(-1));
}

/** Unpacks a tarball into the node_modules of a project. */
export function unpack(tarball, project, name) {
  const modules = join(project, 'node_modules');
  mkdirSync(modules, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, name));
}

/** @param {string[]} top the files and folders at the top of the tarball */
export function checkContents(packageFolder, top) {
  assert.deepEqual(readdirSync(packageFolder).sort(), top, 'the top of the tarball');
  const dist = readdirSync(join(packageFolder, 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const unexpected = dist.filter((path) => !/(?<!\.(?:test|spec|bench))\.(?:js|js\.map|d\.ts)$/.test(path));
  assert.deepEqual(unexpected, [], 'files in dist that do not belong there');
}

/**
 * A warning is a failure too, because users would see it at each start.
 */
export async function checkRuns(project, file) {
  const { code, output } = await node([file], { cwd: project });
  assert.equal(code, 0, `${file}:\n${output}`);
  assert.equal(output, '', `${file} must print nothing`);
}

/**
 * Compiles files of a project. It checks the package's own types and their use, and ignores errors
 * in the types of other packages.
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
