import type { Epoch } from '../core/store.js';
import type { Cursors } from './cursor.js';
import { parseReadRequest, type HttpRequest, type ReadRequest, type RequestLimits } from './request.js';

/**
 * The number of cached requests, and the longest text of one. With the parsed requests they take at
 * most about 4 MiB.
 */
const REMEMBERED_MAX = 1_000;
const KEY_LENGTH_MAX = 1_000;

export interface ReadRequestsOptions {
  readonly limits: RequestLimits;
  readonly cursors: Cursors;
  /** The current epoch of the log. */
  readonly epoch: () => Epoch;
}

/**
 * Parses reads, and parses equal ones once. Clients that receive one page poll again with one URL
 * at the same time.
 */
export class ReadRequests {
  readonly #options: ReadRequestsOptions;
  readonly #remembered = new Map<string, ReadRequest>();
  #epochId = '';

  constructor(options: ReadRequestsOptions) {
    this.#options = options;
  }

  /** @throws NotificationsError as `parseReadRequest` does */
  parse(request: HttpRequest): ReadRequest {
    const { limits, cursors, epoch: present } = this.#options;
    const epoch = present();
    if (epoch.id !== this.#epochId) {
      this.#remembered.clear();
      this.#epochId = epoch.id;
    }
    // The key contains the headers that a read uses. Headers and URLs have no line breaks.
    const { headers, url } = request;
    const key = [headers.accept, headers.prefer, headers['last-event-id'], url].join('\n');
    const known = this.#remembered.get(key);
    if (known) return known;
    const understood = parseReadRequest(request, { limits, openCursor: (text) => cursors.open(text, epoch) });
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    if (key.length <= KEY_LENGTH_MAX) this.#remembered.set(key, understood);
    return understood;
  }
}
