import type { LogPage } from './page.js';

/**
 * Bytes of the pages that a node keeps: four pages of the default `pageBytesMax`. Clients that read
 * the same page share one object and one encoding. These are waiters that wake together, and
 * clients that reconnect with the same cursor. Encoded forms take up to twice as much in addition.
 */
export const SHARED_PAGES_BYTES_MAX = 4 * 1024 * 1024;
/** The cost of a page without its notifications: its object, its entry in the map, its cursor. */
const PAGE_OVERHEAD_BYTES = 512;

type Key = string | number;

/**
 * The pages that were shared last, in two generations. When the newer one is full, the older one is
 * dropped, so the cost does not depend on the number of pages. The newest page is always kept, even
 * if it is large.
 */
export class PageCache {
  readonly #isStale: (page: LogPage) => boolean;
  #newer = new Map<Key, LogPage>();
  #older = new Map<Key, LogPage>();
  #newerBytes = 0;

  /** @param isStale whether a page may no longer be served */
  constructor(isStale: (page: LogPage) => boolean) {
    this.#isStale = isStale;
  }

  /** The page with this key, unless it is stale. Each hit moves it to the newer generation. */
  get(key: Key): LogPage | undefined {
    const newer = this.#newer.get(key);
    const page = newer ?? this.#older.get(key);
    if (!page || this.#isStale(page)) return undefined;
    if (!newer) this.#keep(key, page);
    return page;
  }

  /** Keeps a page unless the cache has one with this key. Returns the cached page. */
  share(key: Key, page: LogPage): LogPage {
    const shared = this.get(key);
    if (!shared) this.#keep(key, page);
    return shared ?? page;
  }

  clear(): void {
    if (this.#newer.size > 0) this.#newer = new Map();
    if (this.#older.size > 0) this.#older = new Map();
    this.#newerBytes = 0;
  }

  #keep(key: Key, page: LogPage): void {
    const bytes = bytesOf(key, page);
    if (this.#newerBytes + bytes > SHARED_PAGES_BYTES_MAX / 2 && this.#newer.size > 0) {
      this.#older = this.#newer;
      this.#newer = new Map();
      this.#newerBytes = 0;
    }
    const replaced = this.#newer.get(key);
    if (replaced) this.#newerBytes -= bytesOf(key, replaced);
    this.#newer.set(key, page);
    this.#newerBytes += bytes;
  }
}

function bytesOf(key: Key, { entries }: LogPage): number {
  let bytes = PAGE_OVERHEAD_BYTES + (typeof key === 'string' ? key.length : 0);
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}
