import { describe, expect, test } from '@jest/globals';
import type { LogPage } from '../../src/core/page.js';
import { STORE_READS_BYTES_MAX, StoreReads } from '../../src/core/store-reads.js';
import { turn } from '../support/time/until.js';

const PAGE: LogPage = { epoch: { id: 'e', secret: 's' }, entries: [], position: 1, more: false };
const MIB = 1024 * 1024;

/** Reads that end when the test says so. */
function startReads() {
  const reads = new StoreReads();
  const running: (() => void)[] = [];
  const start = (key: string, isWanted: () => boolean = () => true, bytesMax = MIB): Promise<LogPage> =>
    reads.read({
      key,
      bytesMax,
      isWanted,
      read: () => new Promise((resolve) => running.push(() => resolve(PAGE))),
    });
  return { start, running };
}

describe('reads of the store', () => {
  test('are bounded by the bytes that they may return together; the others wait in order', async () => {
    const { start, running } = startReads();
    const atOnce = STORE_READS_BYTES_MAX / MIB;
    const pages = Array.from({ length: 3 * atOnce }, (_, index) => start(`read ${index}`));
    for (let ended = 0; ended < 3 * atOnce; ended++) {
      expect(running).toHaveLength(Math.min(ended + atOnce, 3 * atOnce));
      running[ended]?.();
      await pages[ended];
      await turn();
    }
  });

  test('run one at a time if a single read may exceed the bound', async () => {
    const { start, running } = startReads();
    const pages = [1, 2].map((key) => start(String(key), undefined, 2 * STORE_READS_BYTES_MAX));
    expect(running).toHaveLength(1);
    running[0]?.();
    await pages[0];
    await turn();
    expect(running).toHaveLength(2);
  });

  test('are shared by equal callers, while they are queued and while they run', async () => {
    const { start, running } = startReads();
    const pages = [start('a'), start('a'), ...Array.from({ length: 20 }, () => start('b'))];
    expect(running).toHaveLength(2);
    for (const end of running) end();
    expect(new Set(await Promise.all(pages)).size).toBe(1);
  });

  test('are skipped when all their callers have left', async () => {
    const { start, running } = startReads();
    const atOnce = STORE_READS_BYTES_MAX / MIB;
    const first = Array.from({ length: atOnce }, (_, index) => start(`read ${index}`));
    const skipped = [start('left', () => false), start('left', () => false)];
    const wanted = [start('joined', () => false), start('joined')];
    for (const page of skipped) page.catch(() => undefined);
    running[0]?.();
    await first[0];
    await turn();
    expect(running).toHaveLength(atOnce + 1);
    running.at(-1)?.();
    await Promise.all(wanted);
    await expect(skipped[0]).rejects.toThrow('No caller');
  });

  test('start the next one if they fail', async () => {
    const reads = new StoreReads();
    const failing = { key: 'a', bytesMax: MIB, isWanted: () => true, read: () => Promise.reject(new Error('down')) };
    await expect(reads.read(failing)).rejects.toThrow('down');
    await expect(reads.read({ ...failing, read: () => Promise.resolve(PAGE) })).resolves.toBe(PAGE);
  });
});
