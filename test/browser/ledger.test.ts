import { describe, expect, it } from '@jest/globals';
import { Ledger } from '../../src/demo/assets/ledger.js';

/**
 * Plays arrivals. `a1`: reader a receives id 1; `a!`: a receives a gap; `a+2`: a receives 2 after
 * an absence; `*3`: 3 is published.
 */
function played(arrivals: string, names = ['a', 'b']): Ledger {
  const ledger = new Ledger(...names);
  for (const arrival of arrivals.split(' ').filter(Boolean)) {
    const [reader, rest] = [arrival[0]!, arrival.slice(1)];
    if (reader === '*') ledger.published([rest]);
    else if (rest === '!') ledger.gap(reader);
    else ledger.arrived(reader, rest.replace('+', ''), rest.startsWith('+'));
  }
  return ledger;
}

const lacking = (ledger: Ledger) =>
  Object.fromEntries(ledger.verdict().readers.map((reader) => [reader.name, reader.lacking]));

/** By reader the marks of its entries: L live, + later, t reported, 2 twice, . lacking. */
function marks(ledger: Ledger, reader: string): string {
  const letters = { live: 'L', later: '+', told: 't', twice: '2' };
  return ledger
    .latest(100)
    .map((entry) => {
      const mark = entry.marks[reader];
      return mark === undefined ? '.' : letters[mark];
    })
    .join('');
}

describe('Ledger', () => {
  it.each([
    ['', { kind: 'same', matched: 0 }],
    ['a1 b1 b2 a2', { kind: 'same', matched: 2 }],
    ['a1 a2 a3 b1 b2 b3', { kind: 'same', matched: 3 }],
    ['a1 a2 b1', { kind: 'behind', matched: 1 }],
    ['a1 b1 b2', { kind: 'behind', matched: 1 }],
    ['a1 b1 b1', { kind: 'different', repeated: 1 }],
    ['a1 a2 b2', { kind: 'different', outOfStep: 1 }],
    ['a1 a2 b2 b1', { kind: 'different', outOfStep: 1 }],
    ['a1 a2 a3 b! b3', { kind: 'same', matched: 1, told: 2 }],
    // Both lose the log; the one that lacked something of the old one is the first to see the new
    // one.
    ['a1 b1 a2 b! b9 a! a9', { kind: 'same', matched: 2, told: 1 }],
    ['a1 b1 a2 a! a9 b! b9', { kind: 'same', matched: 2, told: 1 }],
    // A gap excuses one leap and no more.
    ['a1 b! b1 a2 a3 b3', { kind: 'different', outOfStep: 1 }],
  ])('of %j is %j', (arrivals, verdict) => {
    expect(played(arrivals).verdict()).toMatchObject(verdict);
  });

  it('compares three readers', () => {
    const three = (arrivals: string) => played(arrivals, ['a', 'b', 'c']);
    expect(three('a1 b1 c1 c2 a2 b2').verdict()).toMatchObject({ kind: 'same', matched: 2 });
    expect(three('a1 b1 c1 c2 a2').verdict()).toMatchObject({ kind: 'behind', matched: 1 });
    expect(lacking(three('a1 a2 a3 b1'))).toEqual({ a: 0, b: 2, c: 3 });
    expect(three('a1 a2 b1 b2 c2').verdict()).toMatchObject({ kind: 'different', outOfStep: 1 });
    expect(three('a1 b1 b2 a2 c! c2').verdict()).toMatchObject({ kind: 'same', matched: 1, told: 1 });
  });

  it('counts a published notification as missing until it arrives', () => {
    expect(played('*1').verdict()).toMatchObject({ kind: 'behind', matched: 0 });
    expect(lacking(played('a1 b1 *2 *3 a2'))).toEqual({ a: 1, b: 2 });
    expect(played('*1 *2 a1 a2 b1 b2').verdict()).toMatchObject({ kind: 'same', matched: 2 });
    // The answer of a publish may come after what was published.
    expect(played('a1 b1 *1').verdict()).toMatchObject({ kind: 'same', matched: 1 });
    // A gap may have swallowed it.
    expect(played('a1 b1 *2 a! a9 b! b9').verdict()).toMatchObject({ kind: 'same', matched: 2 });
  });

  it('shows an own notification at its position, and marks it as own', () => {
    const own = (ledger: Ledger) => ledger.latest(100).map((entry) => entry.id + (entry.own ? '*' : ''));
    expect(own(played('a1 *3 *5'))).toEqual(['1', '3*', '5*']);
    expect(own(played('a1 *3 *5 a2 a3'))).toEqual(['1', '2', '3*', '5*']);
    expect(own(played('a1 a2 *2'))).toEqual(['1', '2*']);
  });

  it('marks for each reader whether a notification arrived live, after a reconnect or in a gap', () => {
    const ledger = played('a1 b1 *4 a2 a3 b+2 b+3 b+4 a4 b4');
    expect(marks(ledger, 'a')).toBe('LLLL');
    expect(marks(ledger, 'b')).toBe('L++2');
    expect(ledger.verdict().readers[1]).toEqual({ name: 'b', received: 4, caughtUp: 3, lacking: 0 });
    expect(marks(played('a1 a2 a3 b! b3 a4'), 'b')).toBe('ttL.');
  });

  it('keeps all missing notifications of a reader, and few others', () => {
    const ledger = new Ledger('a', 'b');
    for (let id = 1; id <= 1_000; id++) ledger.arrived('a', String(id));
    expect(ledger.latest(2_000)).toHaveLength(1_000);
    for (let id = 1; id <= 1_000; id++) ledger.arrived('b', String(id));
    expect(ledger.verdict()).toMatchObject({ kind: 'same', matched: 1_000 });
    expect(ledger.latest(2_000)).toHaveLength(100);
    ledger.arrived('b', '1001');
    expect(lacking(ledger)).toEqual({ a: 1, b: 0 });
  });
});
