import type { Notification } from '../core/notification.js';
import type { Gap } from '../core/gap.js';
import type { LogPage } from '../core/page.js';
import type { Epoch } from '../core/store.js';
import { textChunk } from './chunk.js';
import { CURSOR_LENGTH, type Cursors } from './cursor.js';
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
  /** Where the cursor begins, in bytes before the end, if each answer has its own cursor. */
  readonly cursorFromEnd?: number;
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
  readonly cursorFromEnd: number | undefined;
}

/** Blocks of an event stream, in both forms in which streams of HTTP/1 carry them. */
export interface Blocks {
  readonly plain: Uint8Array;
  /**
   * The same bytes as one chunk of a chunked body, so that a connection takes them in one write.
   */
  readonly chunk: Uint8Array;
}

/** What is derived from a page: each form once, however many waiters share the page. */
interface Encoded {
  body?: Body;
  blocks?: Blocks;
  answer?: WholeAnswer;
  /** Parsed notifications take many times the memory of their JSON, so they live only as long as application code holds them. */
  notifications?: WeakRef<readonly Notification[]>;
}

/**
 * Turns pages into the forms that clients and application code receive.
 *
 * No client may learn from a cursor whether topics that it may not read have moved. Behind
 * notifications the cursor is that of the last one: its text depends on this notification alone. So
 * clients that are answered together share the bytes, and send equal requests next. An answer
 * without notifications has a cursor for the end of the log. It is sealed for each answer, so no
 * two texts are equal.
 */
export class PageEncoder {
  readonly #cursors: Cursors;

  constructor(cursors: Cursors) {
    this.#cursors = cursors;
  }

  /** The cursor of the last notification, or a new one for the end of a page without any. */
  cursor({ epoch, entries, position }: LogPage): string {
    const last = entries.at(-1);
    return last ? this.#cursors.sealStable(epoch, last.position, 'after') : this.#cursors.seal(epoch, position);
  }

  /** The JSON of a long poll, with this cursor if the page has no notifications. */
  body(page: LogPage, cursor?: string): Body {
    if (page.entries.length > 0) return (encodedOf(page).body ??= pageBody(page, this.cursor(page)));
    const body = pageBody(page, cursor ?? this.cursor(page));
    return { ...body, cursorFromEnd: CURSOR_LENGTH + closing(page).length };
  }

  /** The answer of the direct lane that was built from this page last. */
  lastAnswer(page: LogPage): WholeAnswer | undefined {
    return encodedOf(page).answer;
  }

  keepAnswer(page: LogPage, answer: WholeAnswer): void {
    encodedOf(page).answer = answer;
  }

  /** The bytes of an answer of this page, with a new cursor if each answer has its own. */
  answerBytes(page: LogPage, { bytes, cursorFromEnd }: WholeAnswer): Buffer {
    if (cursorFromEnd === undefined) return bytes;
    const copy = Buffer.from(bytes);
    copy.write(this.cursor(page), copy.length - cursorFromEnd, 'latin1');
    return copy;
  }

  /** The blocks of an event stream; empty for an empty page. With a suffix behind its ids they belong to one stream. */
  sse(page: LogPage, idSuffix = ''): string {
    const { epoch } = page;
    return pageToSse(page, {
      after: (position) => this.#cursors.sealStable(epoch, position, 'after') + idSuffix,
      before: (position) => this.#cursors.sealStable(epoch, position, 'before') + idSuffix,
      end: () => this.cursor(page) + idSuffix,
    });
  }

  /**
   * The same blocks as bytes: a socket does not encode them again. All streams without a suffix
   * share them.
   */
  blocks(page: LogPage, idSuffix = ''): Blocks {
    if (page.entries.length === 0 || idSuffix !== '') return blocksOf(this.sse(page, idSuffix));
    return (encodedOf(page).blocks ??= blocksOf(this.sse(page)));
  }

  /** The page for application code. It is frozen, and its notifications are shared. They are parsed when they are read first. */
  page(page: LogPage): Page {
    return publicPage(page, this.cursor(page));
  }

  /** A new cursor for a position. */
  seal(epoch: Epoch, position: number): string {
    return this.#cursors.seal(epoch, position);
  }
}

function encodedOf(page: LogPage): Encoded {
  return (page.encoded ??= {}) as Encoded;
}

/** Both forms are views of one buffer. */
function blocksOf(text: string): Blocks {
  const chunk = Buffer.from(textChunk(text));
  return { chunk, plain: chunk.subarray(chunk.indexOf('\n') + 1, -2) };
}

function publicPage(page: LogPage, cursor: string): Page {
  const { more, gap } = page;
  let notifications: readonly Notification[] | undefined;
  return Object.freeze({
    get notifications() {
      return (notifications ??= notificationsOf(page));
    },
    cursor,
    more,
    ...(gap && { gap: Object.freeze({ ...gap }) }),
  });
}

function notificationsOf(page: LogPage): readonly Notification[] {
  const encoded = encodedOf(page);
  const shared = encoded.notifications?.deref();
  if (shared) return shared;
  const parsed = Object.freeze(page.entries.map(({ json }) => freeze(JSON.parse(json) as Notification)));
  encoded.notifications = new WeakRef(parsed);
  return parsed;
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

const START = '{"notifications":[';

/** The JSON of a long poll with this cursor. Notifications are JSON already, so the body is put together around them. */
export function pageBody(page: LogPage, cursor: string): Body {
  const { entries } = page;
  const end = ENDING + cursor + closing(page);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes + 1, START.length + end.length);
  if (bytes >= BUFFER_BYTES_MIN) return bytesBody(START, entries, end);
  const text = START + textOf(entries) + end;
  return { content: text, bytes: Buffer.byteLength(text) };
}

function textOf(entries: LogPage['entries']): string {
  return entries.map(({ json }) => json).join();
}

const ENDING = '],"cursor":"';

/** The part behind the cursor. */
function closing({ more, gap }: LogPage): string {
  return `","more":${more}${gap ? `,"gap":${JSON.stringify(gap)}` : ''}}`;
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
