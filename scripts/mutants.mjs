/**
 * Plants bugs in the library, one at a time, and runs the simulation against each: `npm run
 * proof:mutants [-- SEEDS [COPIES]]`. The tests of the core and the wire run against bugs that the
 * simulation misses. A bug that survives both shows a gap in the tests. Prints the seed that
 * caught each, and writes docs/proof/mutants.json.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bins, root } from './tools.mjs';

/** Longer than any run that ends. */
const RUN_MS_MAX = 300_000;
const SEEDS = Number(process.argv[2] ?? 2_000);
/** Worked on at the same time: one for each of the cores that most machines have at least. */
const COPIES = Number(process.argv[3] ?? 2);
/** Of tests, whose names say what they are about. */
const TESTS = 'test/(core|wire)/';

/** The planted bugs: the file in src, the text to replace, and its replacement. */
const MUTANTS = [
  [
    'a poll reads before it is armed',
    'core/waiter.ts',
    '    waiters.arm(this);\n',
    '    setTimeout(() => waiters.arm(this));\n',
  ],
  [
    'a wake-up skips the first new notification',
    'core/waiter.ts',
    'this.#readAgain(firstNew - 1)',
    'this.#readAgain(firstNew)',
  ],
  [
    'a wake-up is ignored',
    'core/waiter.ts',
    "else if (this.#state === 'waiting') this.#readAgain",
    "else if (this.#state === 'ended') this.#readAgain",
  ],
  ['a timeout ignores that the waiter is queued', 'core/waiter.ts', ' || waiters.isQueued(this)) return;', ') return;'],
  ['a waiter moves back to an older position', 'core/read-position.ts', ' && after.position < position) {', ') {'],
  ['a slow read is not repeated', 'core/waiter.ts', 'if (!isNew && reader.movedOn(page, epoch)) {', 'if (false) {'],
  [
    'a stream stops after a page with more',
    'core/waiter.ts',
    'if (!drained) this.#context.clock.setImmediate(turn);',
    'if (!drained) return;',
  ],
  ['a stream that ended goes on', 'core/waiter.ts', "if (this.#state === 'delivering') this.#turn();", 'this.#turn();'],
  [
    'a waiter keeps its timer',
    'core/waiter.ts',
    'if (this.#turnTimer !== undefined) clock.clearTimeout(this.#turnTimer);',
    '',
  ],
  ['a waiter stays in the index', 'core/waiter.ts', '    waiters.disarm(this);\n', ''],
  [
    'a gap is not told when nothing else is',
    'core/waiter.ts',
    'page.entries.length > 0 || page.gap !== undefined;',
    'page.entries.length > 0;',
  ],
  ['the position does not move with a page', 'core/waiter.ts', '    this.#position.delivered(page);\n', ''],
  [
    'the last of several new positions counts',
    'core/waiters.ts',
    'this.#newByTopic.set(topic, Math.min(position, this.#newByTopic.get(topic) ?? position));',
    'this.#newByTopic.set(topic, position);',
  ],
  [
    'the last of several topics counts',
    'core/waiters.ts',
    'waiter.firstNew = Math.min(position, waiter.firstNew);',
    'waiter.firstNew = position;',
  ],
  [
    'a moved waiter does not learn its index',
    'core/waiters.ts',
    'last.indexes = last.indexes.map((was, at) => (last.request.topics[at] === topic ? index : was));',
    '',
  ],
  ['a waiter that leaves removes the last one, too', 'core/waiters.ts', '      waiters[index] = last;\n', ''],
  [
    'the queue is forgotten',
    'core/waiters.ts',
    'if (this.#isScheduled || this.#newByTopic.size + this.#queue.length === 0) return;',
    'if (this.#isScheduled || this.#newByTopic.size === 0) return;',
  ],
  [
    'news of a topic is looked up for one waiter only',
    'core/waiters.ts',
    'for (const waiter of this.#byTopic.get(topic) ?? []) this.#enqueue(waiter, position);',
    'for (const waiter of (this.#byTopic.get(topic) ?? []).slice(0, 1)) this.#enqueue(waiter, position);',
  ],
  ['a client that reconnects is not queued', 'core/waiter.ts', '      waiters.queue(this, firstNew);\n', ''],
  [
    'a client that reconnects skips the first new notification',
    'core/waiter.ts',
    'waiters.queue(this, firstNew);',
    'waiters.queue(this, firstNew + 1);',
  ],
  [
    'a client that reconnects overtakes the queue',
    'core/waiter.ts',
    'const firstNew = waiters.isBusy ? this.#firstNew() : undefined;',
    'const firstNew = undefined as number | undefined;',
  ],
  ['pages are shared beyond an append', 'core/reader.ts', '    this.#pages.clear();\n', ''],
  [
    'the last page is handed out beyond an append',
    'core/reader.ts',
    'this.#emptyPage = this.#lastPage = this.#gapPage = undefined;',
    'this.#emptyPage = this.#gapPage = undefined;',
  ],
  [
    'who has no news is told the place of the last append',
    'core/reader.ts',
    'this.#emptyPage = this.#lastPage = this.#gapPage = undefined;',
    'this.#lastPage = this.#gapPage = undefined;',
  ],
  ['the last page is handed out to who wants fewer', 'core/reader.ts', 'one.limit === other.limit && ', ''],
  ['the last page is handed out to who follows other topics', 'core/reader.ts', 'one.topics === other.topics && ', ''],
  [
    'a shared read is never dropped',
    'core/store-reads.ts',
    'this.#byKey.delete(key);\n      this.#bytes -= bytesMax;',
    'this.#bytes -= bytesMax;',
  ],
  [
    'a page that is cut off claims the head',
    'core/reader.ts',
    'position: more ? lastPosition(entries) : this.#log.head,',
    'position: this.#log.head,',
  ],
  [
    'a page of the store that is cut off claims the head',
    'core/reader.ts',
    'position: more ? lastPosition(entries) : Math.max(head, from), more }',
    'position: Math.max(head, from), more }',
  ],
  [
    'what retention took is not told',
    'core/reader.ts',
    "return start.afterLoss || from < trimmed ? { ...page, gap: { reason: 'expired' } } : page;",
    'return page;',
  ],
  [
    'what retention took is told one too late',
    'core/reader.ts',
    'return start.afterLoss || from < trimmed ?',
    'return start.afterLoss || from < trimmed - 1 ?',
  ],
  [
    'a cursor of another log is taken for one of this',
    'core/reader.ts',
    'if (start && from <= head) {',
    'if (from <= head) {',
  ],
  [
    'the window reaches one further back than it does',
    'core/reader.ts',
    'after.position >= this.#log.floor',
    'after.position >= this.#log.floor - 1',
  ],
  [
    'a window of another log is read',
    'core/reader.ts',
    'after.epochId === this.#epoch.id && after.position >=',
    'after.position >=',
  ],
  [
    'a hole in the tail is not seen',
    'core/reader.ts',
    '!sameInBatch.afterLoss && batch.after <= head;',
    '!sameInBatch.afterLoss;',
  ],
  [
    'a repeated batch is taken in again',
    'core/reader.ts',
    'if (entry.position > this.#log.head) this.#log.add(entry);',
    'this.#log.add(entry);',
  ],
  ['a slow read of an old log is trusted', 'core/reader.ts', 'if (this.#epoch.id !== epoch.id) return true;', ''],
  [
    'waiters are not woken after a hole',
    'core/feed.ts',
    'this.#waiters.notifyAll(shared ? shared.position + 1 : 0);',
    '',
  ],
  [
    'a window that starts anew is told from its head',
    'core/feed.ts',
    'this.#waiters.notifyAll(shared ? shared.position + 1 : 0);',
    'this.#waiters.notifyAll(batch.head + 1);',
  ],
  [
    'a read begins at its position',
    'core/memory-log.ts',
    'if (entries.at(middle).position > after) high = middle;',
    'if (entries.at(middle).position >= after) high = middle;',
  ],
  ['the oldest goes without a trace', 'core/memory-log.ts', '    this.#floor = entry.position;\n', ''],
  [
    'a page with news claims no more than its last notification',
    'core/reader.ts',
    'position: more ? lastPosition(entries) : this.#log.head,',
    'position: more ? lastPosition(entries) : lastPosition(entries) || after,',
  ],
  [
    'a new window claims what was before it',
    'core/reader.ts',
    'this.#log = new MemoryLog(batch.after);',
    'this.#log = new MemoryLog();',
  ],
  [
    'reads of different topics are one',
    'core/reader.ts',
    'const key = `${this.#epoch.id} ${position} ${limit} ${bytesMax} ${topics.join()}`;',
    'const key = `${this.#epoch.id} ${position} ${limit} ${bytesMax}`;',
  ],
  [
    'whose log is gone goes on from the same place',
    'core/reader.ts',
    "const oldest = from === 0 ? page : await this.#readStore({ ...query, after: 'earliest' });",
    'const oldest = page;',
  ],
  [
    'a log that is gone is not told',
    'core/reader.ts',
    "return { ...oldest, gap: { reason: 'reset' } };",
    'return oldest;',
  ],
  [
    'a page has notifications beyond the head of the node',
    'core/deliverable-page.ts',
    'page.entries.filter(({ position }) => position <= head);',
    'page.entries;',
  ],
  [
    'notifications beyond the head are skipped',
    'core/deliverable-page.ts',
    'position: next.position - 1, more: false,',
    'position: page.position, more: false,',
  ],
  [
    'a waiter continues without a revoked topic',
    'core/waiter.ts',
    'if (!topics || this.request.topics.some((topic) => topics.includes(topic)))',
    'if (!topics || this.request.topics.every((topic) => topics.includes(topic)))',
  ],
  [
    'rights are not asked for again',
    'core/waiter.ts',
    'if (page.entries.length > 0 && rights) {',
    'if (page.entries.length > 0 && rights && page.gap) {',
  ],
  [
    'a page with a forbidden topic is delivered',
    'core/waiter.ts',
    'if (topics.every((topic) => allowed.includes(topic))) this.#emit(page);',
    'if (topics.some((topic) => allowed.includes(topic))) this.#emit(page);',
  ],
  [
    'a drain does not end waiters',
    'core/waiter.ts',
    "if (this.#context.waiters.isDraining) this.#end('draining');",
    "if (this.#context.waiters.isDraining && this.#state !== 'reading') this.#end('draining');",
  ],
  [
    'who is sent away is sent past what it has not seen',
    'core/waiter.ts',
    'position: after.position, more: false, ending });',
    'position: this.#host.reader.window.head, more: false, ending });',
  ],
  [
    'a stream keeps its lifetime timer',
    'core/waiter.ts',
    '    if (this.#lifetimeTimer !== undefined) clock.clearTimeout(this.#lifetimeTimer);\n',
    '',
  ],
  [
    'a revocation during the access check is ignored',
    'core/waiter.ts',
    "if (revocations.affects(this.request)) this.#end('rights');\n    else this.#turn();",
    'this.#turn();',
  ],
  [
    'a revocation is applied too late',
    'core/feed.ts',
    'if (revocation) this.#apply(revocation);',
    'if (revocation) this.#clock.setTimeout(() => this.#apply(revocation), 30);',
  ],
  [
    'a revocation in the log is not applied',
    'core/feed.ts',
    'if (revocation) this.#apply(revocation);',
    'void revocation;',
  ],
  [
    'a revocation that may be missed is ignored',
    'core/feed.ts',
    '      for (const waiter of this.#waiters.ofSubscribers()) waiter.revocationMissed();\n',
    '',
  ],
  [
    'a wake-up comes before what it is for',
    'core/feed.ts',
    'if (this.#reader.extend(batch)) {',
    'if (batch.epoch.id === epoch.id && batch.after <= head) {\n      this.#clock.setImmediate(() => this.#clock.setImmediate(() => this.#reader.extend(batch)));',
  ],
  [
    'a draining node accepts requests',
    'core/waiters.ts',
    'if (this.#drain) {\n      return new',
    'if (this.#drain && !subscriber) {\n      return new',
  ],
  ['a drain does not wait for waiters', 'core/waiters.ts', 'if (this.#count === 0) done();', 'done();'],
  [
    'an address is counted for ever',
    'core/waiters.ts',
    '    if (address !== undefined) decrement(this.#addressSlots, address);\n',
    '',
  ],
  [
    'a tail goes on one too far',
    'stores/shared/tail-hub.ts',
    'follower.head = batch.head;',
    'follower.head = batch.head + 1;',
  ],
  [
    'a tail does not admit what retention took',
    'stores/shared/tail-hub.ts',
    'const after = Math.max(follower.head, trimmed);',
    'const after = follower.head;',
  ],
  [
    'own appends are handed over over a hole',
    'stores/shared/tail-hub.ts',
    'follower.epochId === batch.epoch.id && follower.head === batch.after',
    'follower.epochId === batch.epoch.id && follower.head <= batch.after',
  ],
  [
    'a tail takes a new log for its old one',
    'stores/shared/tail-hub.ts',
    'if (epoch.id !== follower.epochId) {',
    "if (epoch.id === '') {",
  ],
  [
    'a tail that was read in part says it is at the end',
    'stores/shared/tail-hub.ts',
    'entries: entries.filter(({ position }) => position > after), head: upTo });',
    'entries: entries.filter(({ position }) => position > after), head });',
  ],
  [
    'a repeated id is appended again',
    'stores/memory/memory-store.ts',
    '      if (first !== undefined) return { id: draft.id, position: first, duplicate: true };\n',
    '',
  ],
  [
    'what retention removes is not counted',
    'stores/memory/memory-store.ts',
    'trimmed: this.#log.floor,',
    'trimmed: 0,',
  ],
  [
    'a cursor stands one too far',
    'wire/cursor.ts',
    'block.writeUInt32BE(position % 2 ** 32, 7);',
    'block.writeUInt32BE((position % 2 ** 32) + 1, 7);',
  ],
  [
    'a cursor of another log cannot be told',
    'wire/cursor.ts',
    'if (!sealer) return { ...NOWHERE, unknownIn: epoch.id };',
    'if (!sealer) return undefined;',
  ],
  [
    'cursors are sealed for the first log',
    'wire/cursor.ts',
    'if (this.#epoch?.id !== epoch.id) {',
    'if (!this.#epoch) {',
  ],
  [
    'the cursor of a gap stands behind its page',
    'wire/sse.ts',
    'const id = first ? ids.before(first.position) : ids.end();',
    'const id = first ? ids.after(page.position) : ids.end();',
  ],
  ['every block carries the cursor of its page', 'wire/sse.ts', 'ids.after(position)', 'ids.after(page.position)'],
  [
    'a lossy failover passes for one that lost nothing',
    'core/page.ts',
    'const afterLoss = past.lost === true || held.afterLoss === true;',
    'const afterLoss = false;',
  ],
  [
    'a loss on the way to an older epoch is forgotten',
    'stores/shared/epoch.ts',
    'lost: past.lost === true || lost,',
    'lost: past.lost,',
  ],
  [
    'an older epoch is continued beyond a later fork',
    'stores/shared/epoch.ts',
    'upTo: Math.min(past.upTo, upTo),',
    'upTo: past.upTo,',
  ],
  [
    'a position beyond a fork is continued at the fork',
    'core/page.ts',
    'return shared?.position === held.position ? shared : undefined;',
    'return shared;',
  ],
  [
    'a node at the fork of a lossy failover goes on',
    'core/reader.ts',
    '!sameInBatch.afterLoss && batch.after <= head;',
    'batch.after <= head;',
  ],
  [
    'a waiter resumes at the fork even if its client has received more',
    'core/read-position.ts',
    'if (shared && cursor) {',
    'if (shared) {',
  ],
  [
    'a node answers a cursor of an epoch that it does not know yet',
    'core/waiter.ts',
    'after.unknownIn !== undefined && after.unknownIn !== found.epoch.id',
    'after.unknownIn === found.epoch.id',
  ],
  [
    'the gap of a loss is not on the page of the window',
    'core/reader.ts',
    'if (afterLoss) return this.#withGap(',
    'if (afterLoss) return (',
  ],
  [
    'the bytes of a finished read stay counted',
    'core/store-reads.ts',
    'this.#byKey.delete(key);\n      this.#bytes -= bytesMax;',
    'this.#byKey.delete(key);',
  ],
  [
    'a read of which the first caller has left is skipped',
    'core/store-reads.ts',
    'callers.find((one) => one.isWanted())',
    'callers.slice(0, 1).find((one) => one.isWanted())',
  ],
  [
    'shared pages are kept without bound',
    'core/page-cache.ts',
    'this.#newerBytes + bytes > SHARED_PAGES_BYTES_MAX / 2',
    'this.#newerBytes + bytes > SHARED_PAGES_BYTES_MAX * 1_000',
  ],
  [
    'a revocation of a subscriber that is no longer remembered is forgotten',
    'core/recent-revocations.ts',
    'this.#unknownUpTo = oldest[1];',
    '',
  ],
  [
    'a subscriber is counted for ever',
    'core/waiters.ts',
    '    if (subscriber !== undefined) decrement(this.#subscriberSlots, subscriber);\n',
    '',
  ],
  [
    'two notifications share the id of one block',
    'wire/cursor.ts',
    "side === 'after' ? this.#seal(position, 0) : this.#seal(position - 1, 1)",
    'this.#seal(position, 0)',
  ],
];

// All of them first: one that fits no longer is not to be noticed after an hour.
for (const [name, file, from] of MUTANTS) {
  if (original(file).split(from).length !== 2) throw new Error(`"${name}": ${file} does not hold once: ${from}`);
}
const folder = join(root, '.cache', 'mutants');
rmSync(folder, { recursive: true, force: true });
const copies = Array.from({ length: COPIES }, (_, at) => copy(join(folder, String(at))));
const control = await caughtBy(copies[0], Math.min(SEEDS, 300));
if (control) throw new Error(`fails without a mutant: ${JSON.stringify(control)}`);
const results = [];
const left = [...MUTANTS.entries()];
await Promise.all(copies.map(work));
rmSync(folder, { recursive: true });
mkdirSync(join(root, 'docs/proof'), { recursive: true });
writeFileSync(
  join(root, 'docs/proof/mutants.json'),
  `${JSON.stringify({ seedsMax: SEEDS, mutants: results }, null, 2)}\n`,
);
const survivors = results.filter(({ caught }) => caught === null);
process.stdout.write(`${results.length - survivors.length} of ${results.length} caught\n`);
process.exitCode = survivors.length > 0 ? 1 : 0;

function copy(to) {
  mkdirSync(to, { recursive: true });
  for (const name of ['src', 'test', 'scripts', 'jest.config.mjs', 'package.json'])
    cpSync(join(root, name), join(to, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
  return to;
}

/** Plants one after the other into a copy, until none is left. */
async function work(to) {
  for (let next = left.shift(); next; next = left.shift()) {
    const [at, [name, file, from, mutant]] = next;
    const text = original(file);
    writeFileSync(
      join(to, 'src', file),
      text.replace(from, () => mutant),
    );
    const caught = await caughtBy(to, SEEDS);
    writeFileSync(join(to, 'src', file), text);
    results[at] = { name, file, caught: caught ?? null };
    process.stdout.write(`${caught ? 'caught  ' : 'SURVIVED'}  ${name}  ${caught ? JSON.stringify(caught) : ''}\n`);
  }
}

function original(file) {
  return readFileSync(join(root, 'src', file), 'utf8');
}

/**
 * How many seeds it took the simulation, and what that saw; or else the first test that failed. A
 * run that hangs has been caught too.
 */
async function caughtBy(cwd, seeds) {
  const args = ['--import', './scripts/typescript-hooks.mjs', 'test/simulation/first-failure.ts', String(seeds)];
  const simulated = await run(cwd, args);
  if (simulated.output.startsWith('{')) return JSON.parse(simulated.output);
  if (simulated.status !== 0) return { problem: 'a simulation without end' };
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', bins.jest];
  const tested = await run(cwd, [...jest, TESTS, '--verbose', '--maxWorkers=2']);
  if (tested.status === 0) return undefined;
  return { test: /✕ (.+?)(?: \(\d+ ms\))?$/m.exec(tested.output)?.[1] ?? 'a test without end' };
}

function run(cwd, args) {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, timeout: RUN_MS_MAX, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ status: error ? 1 : 0, output: stdout + stderr });
    });
  });
}
