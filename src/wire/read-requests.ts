import { LRUCache } from 'lru-cache';
import type { Epoch } from '../core/store.js';
import type { Cursors } from './cursor.js';
import { parseReadRequest, type HttpRequest, type ReadRequest, type RequestLimits } from './request.js';

/** Bytes of the cached requests. About 2,000 requests of the usual length fit. */
const CACHED_BYTES_MAX = 2 * 1024 * 1024;
/** A longer request is parsed each time, because few clients send the same one. */
const CACHED_BYTES_MAX_EACH = 4 * 1024;
/** The size of a parsed request without its strings. */
const REQUEST_BYTES = 500;

export interface ReadRequestsOptions {
  readonly limits: RequestLimits;
  readonly cursors: Cursors;
  /** The current epoch of the log. */
  readonly epoch: () => Epoch;
}

/**
 * Parses reads and caches the results. Clients that received the same page send the same URL next.
 */
export class ReadRequests {
  readonly #options: ReadRequestsOptions;
  readonly #cached = new LRUCache<string, ReadRequest>({
    maxSize: CACHED_BYTES_MAX,
    maxEntrySize: CACHED_BYTES_MAX_EACH,
    // The strings of the parsed request take up to two more bytes for each character of the key.
    sizeCalculation: (_, key) => REQUEST_BYTES + 3 * key.length,
  });
  #epochId = '';

  constructor(options: ReadRequestsOptions) {
    this.#options = options;
  }

  /** @throws NotificationsError as `parseReadRequest` does */
  parse(request: HttpRequest): ReadRequest {
    const { limits, cursors, epoch: present } = this.#options;
    const epoch = present();
    if (epoch.id !== this.#epochId) {
      this.#cached.clear();
      this.#epochId = epoch.id;
    }
    // The key contains the headers that a read uses. Headers and URLs have no line breaks.
    const { headers, url } = request;
    const key = [headers.accept, headers.prefer, headers['last-event-id'], url].join('\n');
    const known = this.#cached.get(key);
    if (known) return known;
    const parsed = parseReadRequest(request, { limits, openCursor: (text) => cursors.open(text, epoch) });
    this.#cached.set(key, parsed);
    return parsed;
  }
}
