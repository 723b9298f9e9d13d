import { describe, expect, test } from '@jest/globals';
import { EntryList } from '../../src/core/entry-list.js';
import { type LogEntry, logEntry } from '../../src/core/notification.js';
import { draft } from '../support/drafts.js';
import { Random } from '../support/random.js';

const entryAt = (position: number): LogEntry => logEntry(position, draft(`n${position}`));

function entriesOf(list: EntryList): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let at = list.entryFrom(0, 1); at < list.end; at = list.entryFrom(at + 1, 1)) entries.push(list.at(at)!);
  return entries;
}

describe('a list of entries', () => {
  test('is empty at first', () => {
    const list = new EntryList();
    expect([list.count, list.end, list.first, list.shift(), list.at(0)]).toEqual([0, 0, ...Array(3).fill(undefined)]);
    expect([list.entryFrom(0, 1), list.entryFrom(-1, -1), list.indexAfter(5)]).toEqual([0, -1, 0]);
    list.remove(entryAt(1));
    expect(list.count).toBe(0);
  });

  test.each([1, 2, 3])('behaves like an array (seed %i)', (seed) => {
    const random = new Random(seed);
    const list = new EntryList();
    let array: LogEntry[] = [];
    for (let position = 1; position <= 5_000; position++) {
      const entry = entryAt(position);
      list.push(entry);
      array.push(entry);
      // Phases that grow and phases that shrink it, down to nothing.
      const share = Math.floor(position / 500) % 2 ? 3 : 1;
      for (let times = 0; times < share; times++) {
        if (random.below(3) === 0) expect(list.shift()).toBe(array.shift());
        const other = entryAt(random.from(1, position));
        list.remove(other);
        const removed = array[random.below(array.length)];
        if (removed && random.below(2)) list.remove(removed);
        else continue;
        list.remove(removed);
        array = array.filter((one) => one !== removed);
      }
      const from = random.below(position);
      const index = list.indexAfter(from);
      expect(list.at(list.entryFrom(index, 1))).toBe(array.find((one) => one.position > from));
      expect(list.at(list.entryFrom(index - 1, -1))).toBe(array.findLast((one) => one.position <= from));
      if (random.below(40) === 0) {
        const to = list.indexAfter(from + random.below(30));
        const cut = list.removeRange(index, Math.max(index, to));
        expect(array).toEqual(expect.arrayContaining([...cut]));
        array = array.filter((one) => !cut.includes(one));
      }
      expect([list.count, list.first]).toEqual([array.length, array[0]]);
      expect(list.end).toBeLessThanOrEqual(Math.max(64, 2 * array.length));
      if (position % 100 === 0) expect(entriesOf(list)).toEqual(array);
    }
  });

  test('a million entries are added and dropped in linear time', () => {
    const list = new EntryList();
    const entries = Array.from({ length: 1_000 }, (_, at) => entryAt(at + 1));
    const startMs = performance.now();
    for (let round = 0; round < 1_000; round++) {
      for (const entry of entries) list.push(entry);
      for (const entry of entries) if (list.shift() !== entry) throw new Error(`not ${entry.position}`);
    }
    expect(list.count).toBe(0);
    // It takes some 50 ms, or minutes if every call copies.
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});
