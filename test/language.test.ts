import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { filesToCheck, findingsOf } from '../scripts/language.mjs';

/** Sentences that the check must find, each with a sentence that it must pass. */
const REWRITTEN: [string, string][] = [
  [
    'Who is let in at another number may have been meant by what came in between, and was not there to be told.',
    'If the count has changed since access was checked, a revocation may have been missed. The request is rejected and the client retries.',
  ],
  [
    'One that waits has missed nothing up to the first news, however much others got meanwhile, and reads from there.',
    'No notification for this waiter exists before `firstNews`, so it reads from there. Its old position may already be trimmed.',
  ],
  [
    'Where nobody looks, what Nest and RxJS keep for that would be most of what a held request costs.',
    "Without interceptors or filters we bypass Nest's own subscription: it would add a third of the memory per held poll.",
  ],
  [
    'To go on without them would be to leave them out silently, should they be given back.',
    'Continuing without the topic would skip its notifications silently if access is restored later.',
  ],
  [
    'What comes while others are still being told goes out together with what they have not got yet.',
    'Notifications published during a delivery round are merged into pending pages. Reconnecting clients queue behind that round.',
  ],
  [
    'A loop that forgot to move on, is answered after a second, with nothing, and keeps its place.',
    'A client that repeats the same cursor too often gets an empty page after one second. Its cursor stays valid.',
  ],
  [
    'What that is `access` says; see to it first.',
    'Update your access rules before you call this: clients reconnect and are checked against them.',
  ],
  [
    'Who is ahead of a node that is behind is not sent back to where that node stands, behind a gap either.',
    "Keep a client's position when its node lags behind a gap.",
  ],
  [
    'From now on the waiter is woken when one of its topics has news.',
    'Registers the waiter: from now on, a new notification on one of its topics wakes it.',
  ],
  ['Whether anybody is about to be woken.', 'True while other waiters are queued for delivery.'],
  [
    'Runs on while news is handed over, so that a stream with news does not set one for each.',
    'Kept running while pages are delivered, so that a busy stream does not create a timer per page.',
  ],
  [
    'Whoever is about to be woken is answered then; who is busy looks at the clock itself.',
    'If the waiter is queued for delivery, the delivery answers it. If it is busy, it checks the clock itself.',
  ],
  [
    'Ends the waiter where it stands.',
    'Ends the waiter at its current position. Before its first read it may have no position in this log; then the request is rejected.',
  ],
  ['Something was revoked on the way here; ask again.', 'Access changed while the request was processed; retry.'],
  ['Not skipped are topics of others.', 'Topics of other subscribers are not skipped.'],
];

/** Plain sentences with words or beginnings that the rules must not take for others. */
const PLAIN = [
  'Start the server in one place.',
  'The rename takes place before the read, in place of a copy.',
  'What happens if the store fails?',
  'Runs on every node.',
  'Read the log, e.g. `poll`, and wait. Then continue.',
  'A stand-alone server needs no proxy.',
  'The reader understands each sentence.',
];

const comment = (text: string) => findingsOf('src/core/a.ts', `// ${text}\n`).filter(({ rule }) => rule !== 'width');

describe('the language check', () => {
  it.each(REWRITTEN)('finds: %s', (before) => {
    expect(comment(before)).not.toEqual([]);
  });

  it.each(REWRITTEN)('after %s, accepts the rewritten sentence', (_, after) => {
    expect(comment(after)).toEqual([]);
  });

  it.each(PLAIN)('accepts: %s', (text) => {
    expect(comment(text)).toEqual([]);
  });

  it('finds a comment line over 100 columns, with its position', () => {
    const wide = `// ${'a'.repeat(60)} ${'b'.repeat(60)}`;
    expect(findingsOf('a.ts', `let a = 1;\n  ${wide}\n`)).toEqual([
      expect.objectContaining({ path: 'a.ts', line: 2, column: 1, rule: 'width' }),
    ]);
  });

  it('finds a sentence of more than 30 words that spans lines of a comment', () => {
    const text = `/**\n * A first one.\n * A ${'word '.repeat(16)}\n * ${'word '.repeat(16)}end.\n */`;
    expect(findingsOf('a.ts', text)).toEqual([expect.objectContaining({ line: 3, column: 4, rule: 'long' })]);
  });

  it.each([
    `throw new RangeError('nobody waits');`,
    'throw new RangeError(`${1} is told`);',
    `throw new NotificationsError('x', 'nobody ' + 'waits');`,
    `this.#logger.warn('nobody waits');`,
    `it('is told', () => {});`,
    `describe('who waits', () => {});`,
    `test.each([1])('is told %s', () => {});`,
    `it.skip('is told', () => {});`,
    `it('that is trimmed', () => {});`,
    `const a = \`\${1 /* is told */}\`;`,
    `throw new Error('the client goes ' + 'on');`,
    `it.each([['a client that goes on'], [2]])('%s', () => {});`,
    `const ROWS = [{ name: 'a client that goes on' }]; it.each(ROWS)('$name', () => {});`,
    `const bugs = { 'a client is kept for ever': ['a', 'b'] };`,
  ])('reads the English in: %s', (code) => {
    expect(findingsOf('test/a.test.ts', code)).toHaveLength(1);
  });

  it.each([
    `const news = 'told';`,
    `it.each(['told'])('polls %s', () => {});`,
    `it.each([[() => 'a client that goes on']])('polls', () => {});`,
    'const a = `// nobody`; const b = /\\/\\/ nobody/;',
    '// eslint-disable-next-line told',
    '/** @default news */',
    '// Sets `news` and {@link told}.',
  ])('reads no English in: %s', (code) => {
    expect(findingsOf('test/a.test.ts', code)).toEqual([]);
  });

  it('reads comments of SQL and Lua in templates', () => {
    const code = 'export const sql = `\n-- nobody waits\nSELECT told\n`;';
    expect(findingsOf('src/stores/a.sql.ts', code)).toEqual([expect.objectContaining({ line: 2, column: 4 })]);
  });

  it('reads documents without their code', () => {
    const text =
      '# Who reads what\n\nNobody waits.\n\n```ts\n// nobody\n```\n\n| a | b |\n| - | - |\n| c | who waits |\n';
    expect(findingsOf('a.md', text).map(({ line, rule }) => [line, rule])).toEqual([
      [3, 'word'],
      [11, 'free-relative'],
    ]);
  });
});

describe('the repository', () => {
  const files = filesToCheck();

  it('is in plain English', () => {
    const findings = files.flatMap((path) =>
      findingsOf(path, readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')),
    );
    const lines = findings.map(
      ({ path, line, column, rule, hint, text }) => `${path}:${line}:${column} ${rule} (${hint}): ${text}`,
    );
    expect(lines).toEqual([]);
  });
});
