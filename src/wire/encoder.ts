import type { Notification } from '../core/notification.js';
import type { Gap, LogPage } from '../core/page.js';
import type { Epoch } from '../core/store.js';
import type { Cursors } from './cursor.js';
import { pageToSse } from './sse.js';

/** What one read answers, as clients see it: the body of a long poll. */
export interface Page<N extends Notification = Notification> {
  /** In the order of the log. */
  readonly notifications: readonly N[];
  /** Where to go on: opaque text of at most 64 ASCII characters. It moves on empty pages too. */
  readonly cursor: string;
  /** There is more already: ask again at once. */
  readonly more: boolean;
  /**
   * Something between the asked cursor and this page can no longer be read; the page starts from the oldest notification
   * still kept, and whoever builds state from notifications should fetch it anew.
   */
  readonly gap?: Gap;
}

/** A response body with its length in bytes. */
export interface Body {
  /** Text, or bytes where the body is large: connections that have not taken them yet then share one buffer. */
  readonly content: string | Buffer;
  readonly bytes: number;
}

/**
 * From this size a body is kept as bytes. Node.js copies a text for each connection that does not take it at once. Below that size a text
 * is faster, because it is sent in one piece with the headers.
 */
export const BUFFER_BYTES_MIN = 16 * 1024;

/** A whole answer as the direct lane sends it. It is good for these header lines and this date. */
export interface WholeAnswer {
  readonly lines: string;
  readonly date: string;
  readonly bytes: Buffer;
}

/** What is derived from a page: each form once, however many waiters share the page. */
interface Encoded {
  readonly cursor: string;
  body?: Body;
  sse?: Uint8Array;
  answer?: WholeAnswer;
  /** Parsed notifications take many times the memory of their JSON, so they live only as long as application code holds them. */
  page?: WeakRef<Page>;
}

/** Turns pages into the forms that clients and application code receive. */
export class PageEncoder {
  readonly #cursors: Cursors;
  /** The cursor of all pages that reach to the end of the log, until the log moves on. */
  #end: { readonly epochId: string; readonly position: number; readonly cursor: string } | undefined;

  constructor(cursors: Cursors) {
    this.#cursors = cursors;
  }

  cursor(page: LogPage): string {
    return this.#of(page).cursor;
  }

  /** The JSON of a long poll. */
  body(page: LogPage): Body {
    const encoded = this.#of(page);
    return (encoded.body ??= pageBody(page, encoded.cursor));
  }

  /** The answer of the direct lane that was built from this page last. */
  lastAnswer(page: LogPage): WholeAnswer | undefined {
    return this.#of(page).answer;
  }

  keepAnswer(page: LogPage, answer: WholeAnswer): void {
    this.#of(page).answer = answer;
  }

  /** The blocks of an event stream; empty for an empty page. With a suffix behind its ids they belong to one stream. */
  sse(page: LogPage, idSuffix = ''): string {
    const seal = (position: number): string => this.#cursors.seal(page.epoch, position) + idSuffix;
    return pageToSse(page, this.cursor(page) + idSuffix, seal);
  }

  /** The same blocks for all streams without a suffix, as bytes: a socket does not encode them again. */
  sseBytes(page: LogPage): Uint8Array {
    return (this.#of(page).sse ??= Buffer.from(this.sse(page)));
  }

  /** The page for application code. It is shared, and therefore frozen. Notifications are parsed when they are read first. */
  page(page: LogPage): Page {
    const encoded = this.#of(page);
    const shared = encoded.page?.deref();
    if (shared) return shared;
    const made = publicPage(page, encoded.cursor);
    encoded.page = new WeakRef(made);
    return made;
  }

  /** A cursor that is not a page's. */
  seal(epoch: Epoch, position: number): string {
    return this.#cursors.seal(epoch, position);
  }

  #of(page: LogPage): Encoded {
    return (page.encoded ??= { cursor: this.#cursorOf(page) }) as Encoded;
  }

  /** A page that does not reach to the end of the log has a cursor of its own: how often a place is read is nobody's business. */
  #cursorOf({ epoch, position, more, ending }: LogPage): string {
    if (more || ending) return this.#cursors.seal(epoch, position);
    if (this.#end?.position !== position || this.#end.epochId !== epoch.id) {
      this.#end = { epochId: epoch.id, position, cursor: this.#cursors.seal(epoch, position) };
    }
    return this.#end.cursor;
  }
}

function publicPage({ entries, more, gap }: LogPage, cursor: string): Page {
  let notifications: readonly Notification[] | undefined;
  return Object.freeze({
    get notifications() {
      return (notifications ??= Object.freeze(entries.map(({ json }) => freeze(JSON.parse(json) as Notification))));
    },
    cursor,
    more,
    ...(gap && { gap: Object.freeze({ ...gap }) }),
  });
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

/** The JSON of a long poll with this cursor. Notifications are JSON already, so the body is put together around them. */
export function pageBody({ entries, more, gap }: LogPage, cursor: string): Body {
  const start = '{"notifications":[';
  const end = `],"cursor":"${cursor}","more":${more}${gap ? `,"gap":${JSON.stringify(gap)}` : ''}}`;
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes + 1, start.length + end.length);
  if (bytes >= BUFFER_BYTES_MIN) return bytesBody(start, entries, end);
  const text = start + entries.map(({ json }) => json).join() + end;
  return { content: text, bytes: Buffer.byteLength(text) };
}

/** Written piece by piece: a text of the whole body would take its memory once more. */
function bytesBody(start: string, entries: LogPage['entries'], end: string): Body {
  const commas = Math.max(entries.length - 1, 0);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, start.length + commas + end.length);
  const content = Buffer.allocUnsafe(bytes);
  let at = content.write(start, 'latin1');
  entries.forEach(({ json, bytes: length }, index) => {
    if (index > 0) at += content.write(',', at, 'latin1');
    // Text of ASCII alone, as most is, only has to be copied.
    at += content.write(json, at, json.length === length ? 'latin1' : 'utf8');
  });
  content.write(end, at, 'latin1');
  return { content, bytes };
}
