import { expect, test } from '@jest/globals';
import { Fifo } from '../../src/core/fifo.js';
import { Random } from '../support/random.js';

test('an empty queue returns undefined', () => {
  const fifo = new Fifo<string>();
  expect([fifo.length, fifo.shift(), fifo.length]).toEqual([0, undefined, 0]);
});

test.each([1, 2, 3])('behaves like an array, also during compaction (seed %i)', (seed) => {
  const random = new Random(seed);
  const fifo = new Fifo<number>();
  const array: number[] = [];
  for (let step = 0; step < 20_000; step++) {
    // Phases that fill the queue, and phases that empty it.
    if (random.below(10) < (Math.floor(step / 1000) % 2 ? 3 : 7)) {
      fifo.push(step);
      array.push(step);
    } else if (fifo.shift() !== array.shift()) throw new Error(`step ${step}: shifts something else`);
    const index = random.below(array.length || 1);
    const same = fifo.length === array.length && (array.length === 0 || fifo.at(index) === array[index]);
    if (!same) throw new Error(`step ${step}: ${fifo.length} and ${array.length} items, different at ${index}`);
  }
});

test('a million pushes and shifts take linear time', () => {
  const fifo = new Fifo<number>();
  const startMs = performance.now();
  for (let item = 0; item < 1_000_000; item++) fifo.push(item);
  for (let item = 0; item < 1_000_000; item++) if (fifo.shift() !== item) throw new Error(`not ${item}`);
  expect(fifo.length).toBe(0);
  // This takes about 50 ms. It takes minutes if every shift copies the array.
  expect(performance.now() - startMs).toBeLessThan(5000);
});
