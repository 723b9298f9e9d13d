/** Makes projects with the Nest CLI, as its users do: `nest new` and `nest add`. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { npm } from '../tools.mjs';

/** A command that waits for an answer fails after this time. */
const COMMAND_MS_MAX = 15 * 60_000;

export const DOWN = '\u001b[B';
export const ENTER = '\r';

/**
 * Makes a project with its dependencies in a folder. The CLI of Nest 12 asks for the module system.
 * No flag sets the module system, so the answer needs a terminal.
 *
 * @param {readonly [question: RegExp, keys: string][]} answers
 */
export async function nestNew(path, { cli, flags = [], answers = [] }) {
  const nest = ['nest', 'new', 'app', `--directory=${basename(path)}`, '--package-manager=npm', '--skip-git', ...flags];
  const command = ['exec', '--yes', `--package=@nestjs/cli@${cli}`, '--', ...nest];
  await (answers.length > 0 ? inTerminal(command, dirname(path), answers) : run(command, dirname(path)));
  // The CLI also succeeds if npm fails.
  assert.ok(existsSync(join(path, 'node_modules', '@nestjs', 'core')), `nest new did not install ${path}`);
}

/**
 * Adds the library to a project with the CLI of the project. The CLI passes the text after `@` to
 * npm. This text cannot contain a slash, so the tarball is copied into the folder of the project.
 */
export async function nestAdd(path, tarball, { flags = [], answers = [] }) {
  const file = basename(tarball);
  copyFileSync(tarball, join(path, file));
  const command = ['exec', '--', 'nest', 'add', `nest-notifications@file:${file}`, ...flags];
  const output = await (answers.length > 0 ? inTerminal(command, path, answers) : run(command, path));
  const { dependencies } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  assert.equal(dependencies['nest-notifications'], `file:${file}`);
  // If the schematic has added packages, its output asks for `npm install`.
  if (output.includes('Run npm install')) run(['install', '--no-audit', '--no-fund', '--loglevel=error'], path);
}

/** Runs a command of npm to its end. */
export function run(args, cwd) {
  const { code, output } = npm(args, { cwd });
  assert.equal(code, 0, output);
  return output;
}

/**
 * Runs a command of npm in a terminal, and types each answer when its question appears. It removes
 * the variable `CI`, because schematics ask no questions if this variable is set.
 */
async function inTerminal(args, cwd, answers) {
  // Without a size, the progress display of the CLI never ends.
  const command = `stty cols 80 rows 24; npm ${args.map((arg) => `'${arg}'`).join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    ...{ cwd, env: { ...process.env, CI: undefined }, stdio: ['pipe', 'pipe', 'inherit'], timeout: COMMAND_MS_MAX },
  });
  const exited = once(child, 'exit');
  const waiting = [...answers];
  let output = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    const [question, keys] = waiting[0] ?? [];
    if (!question?.test(output.slice(seen))) return;
    seen = output.length;
    waiting.shift();
    child.stdin.write(keys);
  });
  const [code] = await exited;
  assert.equal(code, 0, output);
  assert.deepEqual(waiting, [], `the CLI did not ask these questions:\n${output}`);
  return output;
}
