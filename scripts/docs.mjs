/**
 * The documentation site, from docs/ and from the TSDoc of the sources, with the OpenAPI and
 * AsyncAPI documents of the examples.
 *
 *   npm run docs         serves it on http://127.0.0.1:5173 and follows changes of the guides
 *   npm run docs:build   builds it into docs/.vitepress/dist; warnings and dead links are failures
 *
 * The first run installs the tools of docs/package.json. They are apart from the other
 * dependencies, so that `npm start` and `npm test` do not wait for them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { build, install, isInstalled, setup } from './setup.mjs';
import { EXIT_SKIPPED, inCI, node, root } from './tools.mjs';

const docs = join(root, 'docs');
const VITEPRESS = join(docs, 'node_modules', 'vitepress', 'bin', 'vitepress.js');
/** The examples are TypeScript, and import the built package. */
const HOOKS = ['--import', join(root, 'scripts', 'typescript-hooks.mjs')];
/** A warning of Vite, of TypeDoc, or of the highlighter. */
const WARNING = /\bwarn(?:ing)?\b|\(!\)|falling back/i;

async function main(mode) {
  await setup();
  if (!isInstalled(docs)) installTools();
  await build();
  await run('The documents of the examples', [...HOOKS, join(docs, '.vitepress', 'documents.mjs')]);
  await run('The API reference', [join(docs, '.vitepress', 'api-reference.mjs')]);
  if (mode === 'build') await run('The site', [VITEPRESS, 'build', docs]);
  else await serve();
}

function installTools() {
  console.log('Installing the tools of the documentation (once)…');
  const { code, output } = install(docs);
  if (code === 0) return;
  const reason = 'The tools of the documentation could not be installed';
  if (inCI) throw new Error(`${reason}.\n\n${output}`);
  console.log(`${reason}: is the npm registry reachable?`);
  process.exit(EXIT_SKIPPED);
}

/** Runs a step to its end. A step that prints a warning has failed. */
async function run(name, args) {
  const started = performance.now();
  const { code, output } = await node(args);
  if (code !== 0 || WARNING.test(output))
    throw new Error(`${name} could not be built, or the build printed a warning.\n\n${output}`);
  console.log(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function serve() {
  const child = spawn(process.execPath, [VITEPRESS, 'dev', docs, '--host', '127.0.0.1'], { stdio: 'inherit' });
  // The child also receives Ctrl-C. This process ends when the child has ended.
  process.on('SIGINT', () => {});
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 0;
}

await main(process.argv[2]).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
