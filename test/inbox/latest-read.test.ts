import { expect, test } from '@jest/globals';
import { LatestRead } from '../../src/inbox/nest/latest-read.js';

function bench() {
  const reads: { readonly resolve: (end: number) => void; readonly reject: (error: Error) => void }[] = [];
  const end = new LatestRead(() => new Promise<number>((resolve, reject) => reads.push({ resolve, reject })));
  return { reads, end };
}

test('calls during a read share the next read, because an entry may be newer than the read', async () => {
  const { reads, end } = bench();
  const first = end.read();
  const [second, third] = [end.read(), end.read()];
  expect(reads).toHaveLength(1);
  reads[0]!.resolve(1);
  expect(await first).toBe(1);
  expect(reads).toHaveLength(2);
  reads[1]!.resolve(2);
  expect(await Promise.all([second, third])).toEqual([2, 2]);
  void end.read();
  expect(reads).toHaveLength(3);
});

test('a failed read rejects its own calls only', async () => {
  const { reads, end } = bench();
  const [first, second] = [end.read(), end.read()];
  reads[0]!.reject(new Error('unreachable'));
  await expect(first).rejects.toThrow('unreachable');
  reads[1]!.resolve(2);
  expect(await second).toBe(2);
});
