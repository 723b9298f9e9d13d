import type { LogPage } from './page.js';

/**
 * The bytes of the pages that a node keeps for sharing: four pages of the default `pageBytesMax`.
 * Clients that read the same page share one object and one encoding. Such clients wake together, or
 * reconnect with the same cursor. The encoded forms are not counted. They take up to twice as much.
 */
export const SHARED_PAGES_BYTES_MAX = 4 * 1024 * 1024;
/** The cost of a page without its notifications: its object, its entry in the map, its cursor. */
const PAGE_OVERHEAD_BYTES = 512;

type Key = string | number;

/**
 * The pages that were shared last, in two maps: newer and older. When the newer map is full, the
 * cache drops the older map. So removing pages costs the same for any number of pages. The cache
 * always keeps the newest page, even if it is large.
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

  /** The page with this key, unless it is stale. Each hit moves it to the newer map. */
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
