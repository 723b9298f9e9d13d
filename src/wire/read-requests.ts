import type { Epoch } from '../core/store.js';
import type { Cursors } from './cursor.js';
import { parseReadRequest, type HttpRequest, type ReadRequest, type RequestLimits } from './request.js';

/** Requests remembered, and how long the text of one may be. With what was parsed from it, all take some 4 MiB at most. */
const REMEMBERED_MAX = 1_000;
const KEY_LENGTH_MAX = 1_000;

export interface ReadRequestsOptions {
  readonly limits: RequestLimits;
  readonly cursors: Cursors;
  /** The log's present one. */
  readonly epoch: () => Epoch;
}

/**
 * Understands reads, equal ones once: clients that were answered with one page come back with one URL, all of them at the same time.
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
    // With the headers that a read looks at. No line break comes in a header or a URL.
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
