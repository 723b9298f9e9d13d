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
  readonly text: string;
  readonly bytes: number;
}

/** Everything that is derived from a page, each at most once, however many waiters share it. */
interface Derived {
  readonly cursor: string;
  body?: Body;
  sse?: string;
  sseBytes?: Uint8Array;
  page?: Page;
}

type EncodedPage = LogPage & Record<symbol, Derived | undefined>;

/** Turns pages into what goes over the wire. */
export class PageEncoder {
  readonly #cursors: Cursors;
  /** Where a page carries what was derived from it: a weak map of thousands costs the garbage collector more than all the rest here. */
  readonly #onPage = Symbol('derived');
  /** What all who are answered before the log goes on are told of its end. */
  #end: { readonly epochId: string; readonly position: number; readonly cursor: string } | undefined;

  constructor(cursors: Cursors) {
    this.#cursors = cursors;
  }

  cursor(page: LogPage): string {
    return this.#of(page).cursor;
  }

  /** The JSON of a long poll. */
  body(page: LogPage): Body {
    const derived = this.#of(page);
    return (derived.body ??= pageBody(page, derived.cursor));
  }

  /** The blocks of an event stream; empty for an empty page. With something behind its ids they are one stream's own. */
  sse(page: LogPage, idSuffix = ''): string {
    const derived = this.#of(page);
    if (idSuffix !== '') {
      const seal = (position: number): string => this.#cursors.seal(page.epoch, position) + idSuffix;
      return pageToSse(page, derived.cursor + idSuffix, seal);
    }
    return (derived.sse ??= pageToSse(page, derived.cursor, (position) => this.#cursors.seal(page.epoch, position)));
  }

  /** The same blocks for all who have nothing behind their ids: as bytes, which a socket takes without encoding them again. */
  sseBytes(page: LogPage): Uint8Array {
    return (this.#of(page).sseBytes ??= Buffer.from(this.sse(page)));
  }

  /** The page as application code sees it. It is shared, and therefore frozen; notifications are parsed when looked at. */
  page(page: LogPage): Page {
    const derived = this.#of(page);
    return (derived.page ??= publicPage(page, derived.cursor));
  }

  /** A cursor that is not a page's. */
  seal(epoch: Epoch, position: number): string {
    return this.#cursors.seal(epoch, position);
  }

  #of(page: LogPage): Derived {
    return ((page as EncodedPage)[this.#onPage] ??= { cursor: this.#cursorOf(page) });
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

/** The notifications are JSON already, so the body is put together around them. */
export function pageBody(page: LogPage, cursor: string): Body {
  const notifications = page.entries.map(({ json }) => json).join();
  const gap = page.gap ? `,"gap":${JSON.stringify(page.gap)}` : '';
  const text = `{"notifications":[${notifications}],"cursor":"${cursor}","more":${page.more}${gap}}`;
  return { text, bytes: Buffer.byteLength(text) };
}
