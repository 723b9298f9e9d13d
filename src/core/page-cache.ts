import type { LogPage } from './page.js';

/**
 * Bytes of the pages that a node keeps so that clients which read the same page share one object and one encoding: waiters that are
 * woken together, and clients that reconnect with the same cursor. Four pages of the default `pageBytesMax`. Encoded forms come on top,
 * at most twice as much.
 */
export const SHARED_PAGES_BYTES_MAX = 4 * 1024 * 1024;
/** What a page costs besides its notifications: its object, its entry in the map, its cursor. */
const PAGE_OVERHEAD_BYTES = 512;

type Key = string | number;

/**
 * The pages that were shared last, in two generations: when the newer one is full, the older one is dropped. That costs the same for any
 * number of pages. The newest page is always kept, however large it is.
 */
export class PageCache {
  #newer = new Map<Key, LogPage>();
  #older = new Map<Key, LogPage>();
  #newerBytes = 0;

  /** The page with this key. A page that is asked for again moves to the newer generation. */
  get(key: Key): LogPage | undefined {
    const newer = this.#newer.get(key);
    if (newer) return newer;
    const older = this.#older.get(key);
    if (older) this.#keep(key, older);
    return older;
  }

  /** Keeps a page, unless there is one with this key; answers the page that is kept. */
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
    this.#newer.set(key, page);
    this.#newerBytes += bytes;
  }
}

function bytesOf(key: Key, { entries }: LogPage): number {
  let bytes = PAGE_OVERHEAD_BYTES + (typeof key === 'string' ? key.length : 0);
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}
