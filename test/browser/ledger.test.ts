import { describe, expect, it } from '@jest/globals';
import { Ledger } from '../../src/demo/assets/ledger.js';

/** Plays arrivals such as `a1 b1`: the side, then the id; `a!` is a gap told to a side. */
function played(arrivals: string) {
  const ledger = new Ledger('a', 'b');
  for (const arrival of arrivals.split(' ').filter(Boolean)) {
    const [side, id] = [arrival[0]!, arrival.slice(1)];
    if (id === '!') ledger.gap(side);
    else ledger.arrived(side, id);
  }
  return ledger.verdict();
}

describe('Ledger', () => {
  it.each([
    ['', { kind: 'same', matched: 0 }],
    ['a1 b1 b2 a2', { kind: 'same', matched: 2 }],
    ['a1 a2 a3 b1 b2 b3', { kind: 'same', matched: 3 }],
    ['a1 a2 b1', { kind: 'behind', matched: 1, behind: 'b', lacking: 1 }],
    ['a1 b1 b2', { kind: 'behind', matched: 1, behind: 'a', lacking: 1 }],
    ['a1 b1 b1', { kind: 'different', repeated: 1 }],
    ['a1 a2 b2', { kind: 'different', outOfStep: 1 }],
    ['a1 a2 b2 b1', { kind: 'different', outOfStep: 1 }],
    ['a1 a2 a3 b! b3', { kind: 'same', matched: 1, told: 2 }],
    // Both lose the log; the one that lacked something of the old one is the first to see the new one.
    ['a1 b1 a2 b! b9 a! a9', { kind: 'same', matched: 2, told: 1 }],
    ['a1 b1 a2 a! a9 b! b9', { kind: 'same', matched: 2, told: 1 }],
    // A gap excuses one leap and no more.
    ['a1 b! b1 a2 a3 b3', { kind: 'different', outOfStep: 1 }],
  ])('of %j is %j', (arrivals, verdict) => {
    expect(played(arrivals)).toMatchObject(verdict);
  });
});
