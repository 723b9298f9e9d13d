import { existsSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { transpile } from './transpile.mjs';

const root = new URL('../', import.meta.url);
let entries;

/** Lets a child process run the sources without a build: `node --import <this file> child.ts`. */
export function resolve(specifier, context, next) {
  const source = sourceOf(specifier);
  if (source) return next(source, context);
  return next(isTypeScript(specifier, context.parentURL) ? specifier.replace(/\.js$/, '.ts') : specifier, context);
}

export function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const code = transpile(readFileSync(fileURLToPath(url), 'utf8'));
  return { format: 'module', source: code, shortCircuit: true };
}

/** The source of an entry of this package, such as `nest-notifications/store`. */
function sourceOf(specifier) {
  if (!/^nest-notifications(?:\/|$)/.test(specifier)) return undefined;
  entries ??= JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).exports;
  const built = entries[specifier.replace('nest-notifications', '.')]?.default;
  return built && new URL(built.replace('./dist/', 'src/').replace(/\.js$/, '.ts'), root).href;
}

/** Sources import './x.js', as Node requires; on disk the file is './x.ts'. */
function isTypeScript(specifier, parentURL) {
  if (!parentURL?.startsWith('file:') || !/^\.{1,2}\/.*\.js$/.test(specifier)) return false;
  const script = new URL(specifier, parentURL);
  return !existsSync(script) && existsSync(new URL(script.href.replace(/\.js$/, '.ts')));
}

// Node 26 deprecates `register`, and Node 20 has nothing else. Hooks that are registered with it
// also serve worker threads, and run in their own thread.
if (nodeModule.registerHooks) nodeModule.registerHooks({ resolve, load });
else if (isMainThread) nodeModule.register(import.meta.url);
