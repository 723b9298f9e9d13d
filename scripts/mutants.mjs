/**
 * Plants bugs in the core, one at a time, and runs its simulation against each: `npm run proof:mutants [-- SEEDS]`. A bug that
 * survives means that the simulation does not look there. Prints the seed that caught each, and writes docs/proof/mutants.json.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bins, root } from './tools.mjs';

/** Longer than any run that ends. */
const RUN_MS_MAX = 120_000;
const SEEDS = process.argv[2] ?? '300';

/** What is planted: in which file, what is replaced, by what. */
const MUTANTS = [
  [
    'a poll begins before it is armed',
    'waiter.ts',
    'this.#host.arm(this);\n    this.#turn();',
    'this.#turn();\n    this.#host.arm(this);',
  ],
  ['a wake-up skips the first news', 'waiter.ts', 'this.#readAgain(firstNews - 1)', 'this.#readAgain(firstNews)'],
  [
    'a wake-up is ignored',
    'waiter.ts',
    "else if (this.#state === 'waiting') this.#readAgain",
    "else if (this.#state === 'ended') this.#readAgain",
  ],
  [
    'time runs out on news that is on its way',
    'waiter.ts',
    'if (!this.#host.hasNews(this)) this.#readAgain',
    'this.#readAgain',
  ],
  [
    'a poll that waits takes the head for its place',
    'waiter.ts',
    'after.position < position',
    'after.position <= position + 1',
  ],
  [
    'what a slow read missed is not looked for',
    'waiter.ts',
    'else if (!news && reader.movedOn(page, epoch)) this.#readFrom(page);',
    '',
  ],
  [
    'a stream stops after a page with more',
    'waiter.ts',
    'else if (more || this.#request.waitMs === 0) this.#host.clock.setImmediate(turn);',
    'else if (more) return;',
  ],
  ['a stream that ended goes on', 'waiter.ts', "if (this.#state === 'handing over') this.#turn();", 'this.#turn();'],
  [
    'a waiter keeps its timer',
    'waiter.ts',
    "if (this.#state === 'waiting') this.#host.clock.clearTimeout(this.#turnTimer);",
    '',
  ],
  ['a waiter stays in the index', 'waiter.ts', '    this.#host.disarm(this);\n', ''],
  [
    'a gap is not told when nothing else is',
    'waiter.ts',
    'page.entries.length > 0 || page.gap || timeIsUp',
    'page.entries.length > 0 || timeIsUp',
  ],
  [
    'the place does not move with a page',
    'waiter.ts',
    "    this.#after = { epochId: page.epoch.id, position: page.position };\n    this.#state = 'handing over';",
    "    this.#state = 'handing over';",
  ],
  [
    'of several news the last one counts',
    'waiters.ts',
    'this.#news.set(topic, Math.min(position, this.#news.get(topic) ?? position));',
    'this.#news.set(topic, position);',
  ],
  [
    'of several topics with news the last one counts',
    'waiters.ts',
    'waiter.firstNews = Math.min(position, waiter.firstNews);',
    'waiter.firstNews = position;',
  ],
  [
    'who moves up does not know its place',
    'waiters.ts',
    'last.places = last.places.map((was, index) => (last.topics[index] === topic ? place : was));',
    '',
  ],
  ['who leaves takes the last one along', 'waiters.ts', '      waiters[place] = last;\n', ''],
  [
    'the queue is forgotten',
    'waiters.ts',
    'if (this.#queueAt === this.#queue.length) {',
    'if (this.#queueAt > 0 || this.#queue.length === 0) {',
  ],
  [
    'news of a topic is looked up for one waiter only',
    'waiters.ts',
    'waiter.firstNews = Math.min(position, waiter.firstNews);',
    'waiter.firstNews = Math.min(position, waiter.firstNews);\n        break;',
  ],
  ['pages are shared beyond an append', 'reader.ts', '    this.#pages.clear();\n', ''],
  ['a shared read is never dropped', 'reader.ts', '.finally(() => this.#reads.delete(key))', ''],
  [
    'a page that is cut off claims the head',
    'reader.ts',
    'position: more ? lastPosition(entries) : this.#log.head,',
    'position: this.#log.head,',
  ],
  [
    'a page of the store that is cut off claims the head',
    'reader.ts',
    'position: more ? lastPosition(entries) : Math.max(head, from), more }',
    'position: Math.max(head, from), more }',
  ],
  [
    'what retention took is not told',
    'reader.ts',
    "return from < trimmed ? { ...page, gap: { reason: 'expired' } } : page;",
    'return page;',
  ],
  ['what retention took is told one too late', 'reader.ts', 'return from < trimmed ?', 'return from < trimmed - 1 ?'],
  [
    'a cursor of another log is taken for one of this',
    'reader.ts',
    'epoch.id === after.epochId && from <= head',
    'from <= head',
  ],
  [
    'the window reaches one further back than it does',
    'reader.ts',
    'place.position >= this.#log.floor',
    'place.position >= this.#log.floor - 1',
  ],
  [
    'a window of another log is read',
    'reader.ts',
    'place.epochId === this.#epoch.id && place.position >=',
    'place.position >=',
  ],
  [
    'a hole in the tail is not seen',
    'reader.ts',
    'batch.epoch.id === this.#epoch.id && batch.after <= this.#log.head',
    'batch.epoch.id === this.#epoch.id',
  ],
  [
    'a repeated batch is taken in again',
    'reader.ts',
    'if (entry.position > this.#log.head) this.#log.add(entry);',
    'this.#log.add(entry);',
  ],
  ['a slow read of an old log is trusted', 'reader.ts', 'if (this.#epoch.id !== epoch.id) return true;', ''],
  ['nobody is told of a hole', 'feed.ts', 'this.#waiters.notifyAll(batch.epoch.id === epoch.id ? head + 1 : 0);', ''],
  [
    'a window that starts anew is told from its head',
    'feed.ts',
    'this.#waiters.notifyAll(batch.epoch.id === epoch.id ? head + 1 : 0);',
    'this.#waiters.notifyAll(batch.head + 1);',
  ],
  [
    'a read begins at its position',
    'memory-log.ts',
    'if (entries.at(middle).position > after) high = middle;',
    'if (entries.at(middle).position >= after) high = middle;',
  ],
  ['the oldest goes without a trace', 'memory-log.ts', '    this.#floor = entry.position;\n', ''],
];

const folder = join(root, '.cache', 'mutants');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const name of ['src', 'test', 'jest.config.mjs', 'package.json'])
  cpSync(join(root, name), join(folder, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));

const control = caughtBy();
if (control !== undefined) throw new Error(`fails without a mutant: ${control}`);
const results = [];
for (const [name, file, from, to] of MUTANTS) {
  const path = join(folder, 'src/core', file);
  const original = readFileSync(path, 'utf8');
  if (original.split(from).length !== 2) throw new Error(`"${name}": ${file} does not hold once: ${from}`);
  writeFileSync(
    path,
    original.replace(from, () => to),
  );
  const by = caughtBy();
  writeFileSync(path, original);
  results.push({ name, file, caughtBy: by ?? null });
  process.stdout.write(`${by === undefined ? 'SURVIVED' : 'caught'}  ${name}  (${by ?? ''})\n`);
}
rmSync(folder, { recursive: true });
mkdirSync(join(root, 'docs/proof'), { recursive: true });
writeFileSync(
  join(root, 'docs/proof/mutants.json'),
  `${JSON.stringify({ seeds: Number(SEEDS), mutants: results }, null, 2)}\n`,
);
const survivors = results.filter(({ caughtBy: by }) => by === null);
process.stdout.write(`${results.length - survivors.length} of ${results.length} caught\n`);
process.exitCode = survivors.length > 0 ? 1 : 0;

/**
 * The first test that fails, of the simulation or of those that wake thousands; undefined if none does. A run that hangs has been
 * caught too.
 */
function caughtBy() {
  const args = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', bins.jest];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...args, 'test/core/feed-(simulation|wake)', '--verbose', '--maxWorkers=2', '--testTimeout=5000'],
    {
      cwd: folder,
      env: { ...process.env, SIMULATION_SEEDS: SEEDS },
      encoding: 'utf8',
      timeout: RUN_MS_MAX,
      maxBuffer: 2 ** 28,
    },
  );
  if (status === 0) return undefined;
  const failed = [...(stdout + stderr).matchAll(/✕ (.+?)(?: \(\d+ ms\))?$/gm)].map(([, name]) => name);
  return failed.find((name) => name.includes('seed')) ?? failed[0] ?? 'a run without end';
}
