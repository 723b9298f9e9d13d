import { describe, expect, test } from '@jest/globals';
import { Attempts } from '../../src/stores/nats/attempts.js';
import { decodeAnswer, decodeForward, encodeAnswer, encodeForward } from '../../src/stores/nats/forward-text.js';
import { commitId, nodeOf } from '../../src/stores/nats/layout.js';
import { Lease } from '../../src/stores/nats/lease.js';
import { ManualClock } from '../../src/testing/index.js';
import { drafts } from '../support/drafts.js';

const ONE = '11111111-1111-4111-8111-111111111111';
const TWO = '22222222-2222-4222-8222-222222222222';

describe('the lease of a node', () => {
  const leaseAt = () => {
    const clock = new ManualClock();
    return { clock, lease: new Lease(clock) };
  };

  test('belongs to this node, or to the last node that it was granted to', () => {
    const { lease } = leaseAt();
    expect(lease.holder).toBeUndefined();
    lease.grant(ONE);
    lease.grant(TWO);
    expect(lease.holder).toBe(TWO);
    lease.end();
    expect(lease.holder).toBeUndefined();
  });

  test('ends a second after it was last granted', async () => {
    const { clock, lease } = leaseAt();
    lease.grant(ONE);
    await clock.advance(900);
    lease.grant(ONE);
    await clock.advance(900);
    expect(lease.holder).toBe(ONE);
    await clock.advance(100);
    expect(lease.holder).toBeUndefined();
  });

  test('is not granted to a node that has not answered, for some seconds', async () => {
    const { clock, lease } = leaseAt();
    lease.grant(ONE);
    lease.avoid(ONE);
    expect(lease.holder).toBeUndefined();
    lease.grant(ONE);
    expect(lease.holder).toBeUndefined();
    lease.grant(TWO);
    lease.avoid(ONE);
    expect(lease.holder).toBe(TWO);
    await clock.advance(5_000);
    lease.grant(ONE);
    expect(lease.holder).toBe(ONE);
  });
});

describe('the id of a commit', () => {
  test('names the node that wrote it', () => {
    expect(nodeOf(commitId(ONE, 17))).toBe(ONE);
  });

  test.each(['', 'dead', ONE, '> 1.1', `${ONE}\r\n.1`, `*.1`])('names no node: %j', (commit) => {
    expect(nodeOf(commit)).toBeUndefined();
  });
});

describe('the attempts of an append', () => {
  const known = { id: 'a', position: 30, commit: commitId(ONE, 1), sinceMs: 0 };

  test('have appended an id that is in a commit of this node', () => {
    const attempts = new Attempts();
    expect(attempts.haveAppended(known)).toBe(false);
    attempts.sent(known.commit);
    expect(attempts.haveAppended(known)).toBe(true);
  });

  test('have appended an id that another node states as new', () => {
    const attempts = new Attempts();
    attempts.appended('a');
    expect([known, { ...known, id: 'b' }].map((id) => attempts.haveAppended(id))).toEqual([true, false]);
  });

  test.each([
    [{ node: ONE, after: 29 }, true],
    [{ node: ONE, after: 30 }, false],
    [{ node: TWO, after: 29 }, false],
  ])('without an answer of %j have appended a later id of that node', (doubt, expected) => {
    const attempts = new Attempts();
    attempts.doubted(doubt);
    expect(attempts.haveAppended(known)).toBe(expected);
  });
});

describe('the text of a forward', () => {
  const forward = { epochId: 'e', after: 40, arrays: [drafts(2), [], drafts(1, 'ü\u2028', 'a.b')] };
  const decoded = (text: string) => decodeForward(new TextEncoder().encode(text));

  test('contains all of it', () => {
    expect(decodeForward(encodeForward(forward))).toEqual(forward);
  });

  test.each([
    '',
    'null',
    '{}',
    '["e",1,[["a","t"]]]',
    '["e",1,[["a","t"]]]\n{}\n{}',
    '["e",1,[["a",1]]]\n{}',
    '["e","1",[["a","t"]]]\n{}',
    '["e",1,{"length":1}]\n{}',
  ])('is rejected if it is no forward: %j', (text) => {
    expect(decoded(text)).toBeUndefined();
  });

  test.each([{ upTo: 7, duplicates: [1], isContended: true }, { holder: ONE }, { rejected: true as const }])(
    'contains an answer: %j',
    (answer) => {
      expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer);
    },
  );

  test.each(['', 'null', '7', '{"holder":"a.>"}'])('is rejected if it is no answer: %j', (text) => {
    expect(decodeAnswer(text)).toBeUndefined();
  });
});
