import { describe, expect, test } from '@jest/globals';
import { logEntry } from '../../src/core/notification.js';
import type { LogPage } from '../../src/core/page.js';
import { PageCache, SHARED_PAGES_BYTES_MAX } from '../../src/core/page-cache.js';

const EPOCH = { id: 'e', secret: 's' };

function pageOf(position: number, bytes: number): LogPage {
  const entry = logEntry(position, { id: `n${position}`, topic: 'orders', json: 'x'.repeat(bytes) });
  return { epoch: EPOCH, entries: [entry], position, more: false };
}

describe('the cache of shared pages', () => {
  test('shares the first page of a key', () => {
    const cache = new PageCache(() => false);
    const [first, second] = [pageOf(1, 10), pageOf(1, 10)];
    expect([cache.share('a', first), cache.share('a', second), cache.get('a')]).toEqual([first, first, first]);
    expect(cache.share('a', second)).toBe(first);
    cache.clear();
    expect(cache.get('a')).toBeUndefined();
  });

  test('replaces a page that is stale, and does not return it', () => {
    const stale = new Set<LogPage>();
    const cache = new PageCache((page) => stale.has(page));
    const [first, second] = [pageOf(1, 10), pageOf(1, 10)];
    stale.add(cache.share('a', first));
    expect(cache.get('a')).toBeUndefined();
    expect(cache.share('a', second)).toBe(second);
    expect(cache.get('a')).toBe(second);
  });

  test.each([100, 10_000, 1024 * 1024, 3 * 1024 * 1024])('is bounded in bytes, for pages of %i bytes', (bytes) => {
    const cache = new PageCache(() => false);
    const count = Math.ceil((3 * SHARED_PAGES_BYTES_MAX) / bytes);
    for (let n = 1; n <= count; n++) cache.share(n, pageOf(n, bytes));
    let kept = 0;
    for (let n = 1; n <= count; n++) if (cache.get(n)) kept++;
    expect(cache.get(count)).toBeDefined();
    expect(kept * bytes).toBeLessThanOrEqual(Math.max(SHARED_PAGES_BYTES_MAX, 2 * bytes));
  });

  test('counts the bytes of the key, which has all topics of a request', () => {
    const cache = new PageCache(() => false);
    const topics = 'x'.repeat(10_000);
    const count = Math.ceil((2 * SHARED_PAGES_BYTES_MAX) / topics.length);
    for (let n = 1; n <= count; n++) cache.share(`${n} ${topics}`, pageOf(n, 1));
    expect(cache.get(`1 ${topics}`)).toBeUndefined();
  });

  test('keeps a page that is read while others are added and removed', () => {
    const cache = new PageCache(() => false);
    const wanted = cache.share('wanted', pageOf(1, 1000));
    for (let n = 2; n <= 20; n++) {
      cache.share(n, pageOf(n, 1024 * 1024));
      expect(cache.get('wanted')).toBe(wanted);
    }
  });
});
