import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Built-in modules only: these run before anything is installed. */

export const root = fileURLToPath(new URL('..', import.meta.url));
export const inCI = process.env.CI === 'true';

/**
 * The exit code of a check that could not run and has printed the reason. It means neither success
 * nor failure.
 */
export const EXIT_SKIPPED = 77;

/** Uses entry files, because the files in node_modules/.bin are shell scripts on Windows. */
export const bins = {
  attw: 'node_modules/@arethetypeswrong/cli/dist/index.js',
  eslint: 'node_modules/eslint/bin/eslint.js',
  jest: 'node_modules/jest/bin/jest.js',
  nest: 'node_modules/@nestjs/cli/bin/nest.js',
  prettier: 'node_modules/prettier/bin/prettier.cjs',
  publint: 'node_modules/publint/src/cli.js',
};

/** Runs a Node script to its end, and returns the output of both streams as one text. */
export function node(args, { cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => {
      output += chunk;
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output, stderr }));
  });
}

export function npm(args, { cwd = root } = {}) {
  const options = { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
  const cli = npmCli();
  // Without npm's own entry file only its shell script is left, which Windows starts through a
  // shell.
  const result = cli
    ? spawnSync(process.execPath, [cli, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  return { code: result.status ?? 1, output: `${result.stdout ?? ''}${result.stderr ?? result.error?.message ?? ''}` };
}

function npmCli() {
  const caller = process.env.npm_execpath ?? '';
  // Another package manager may have started this script, but the lock file is npm's.
  return caller.endsWith(join('bin', 'npm-cli.js')) && existsSync(caller) ? caller : undefined;
}
