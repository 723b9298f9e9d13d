import type { Notification } from '../core/notification.js';
import type { Gap } from '../core/gap.js';
import type { LogPage } from '../core/page.js';
import { type Retraction, retractionsIn, withoutRetractions } from '../core/retraction.js';
import type { Epoch } from '../core/store.js';
import { textChunk } from './chunk.js';
import { CURSOR_LENGTH, type Cursors } from './cursor.js';
import type { HistoryPage } from './history.js';
import { pageToSse } from './sse.js';

/** The result of one read, as clients see it: the body of a long poll. */
export interface Page<N extends Notification = Notification> {
  /** In the order of the log. */
  readonly notifications: readonly N[];
  /**
   * The next read continues here: opaque text of at most 64 ASCII characters. An empty page has a
   * new cursor too.
   */
  readonly cursor: string;
  /** More notifications already exist: poll again at once. */
  readonly more: boolean;
  /**
   * Some notifications after the requested cursor can no longer be read. The page starts from the
   * oldest notification that is kept. A client that builds state from notifications should fetch
   * that state again.
   */
  readonly gap?: Gap;
  /**
   * Notifications that were retracted after the requested cursor; absent if there are none. The
   * client removes those that it has received on earlier pages, and ignores the others. It does so
   * before it adds the notifications of this page.
   */
  readonly retracted?: readonly Retraction[];
}

/** A response body with its length in bytes. */
export interface Body {
  /** Text, or bytes for a large body. Slow connections then share one buffer. */
  readonly content: string | Buffer;
  readonly bytes: number;
  /**
   * The number of bytes from the cursor to the end, if each answer has its own cursor.
   */
  readonly cursorFromEnd?: number;
}

/**
 * From this size a body is kept as bytes. Node.js copies a text for each connection that does not
 * accept it at once. Below this size a text is faster, because it is sent in one write with the
 * headers.
 */
export const BUFFER_BYTES_MIN = 16 * 1024;

/**
 * A complete answer of the direct lane (`nest/direct-lane`). It is valid for these header lines and
 * this date.
 */
export interface WholeAnswer {
  readonly lines: string;
  readonly date: string;
  readonly bytes: Buffer;
  readonly cursorFromEnd: number | undefined;
}

/** Blocks of an event stream: as text of the stream, and framed for HTTP/1. */
export interface Blocks {
  readonly plain: Uint8Array;
  /** The same bytes as one chunk of a chunked body, so that a connection needs one write. */
  readonly chunk: Uint8Array;
}

/** The encoded forms of a page. Each form is made once and shared by all waiters of the page. */
interface Encoded {
  body?: Body;
  blocks?: Blocks;
  answer?: WholeAnswer;
  /**
   * Parsed notifications take many times the memory of their JSON. The weak reference keeps them
   * only while application code uses them.
   */
  notifications?: WeakRef<readonly Notification[]>;
}

/**
 * Encodes pages for clients and application code.
 *
 * A cursor must not reveal changes of topics that the client may not read. The cursor of a page
 * with notifications depends on the last notification alone. So clients that receive the same page
 * share its bytes and send equal requests next. The cursor of an empty page is a position at the
 * end of the log. It is sealed again for each answer, so its text differs each time.
 */
export class PageEncoder {
  readonly #cursors: Cursors;

  constructor(cursors: Cursors) {
    this.#cursors = cursors;
  }

  /**
   * The cursor of the page. It depends on the last notification. A page without notifications gets
   * a new cursor for its position. A page of the history continues before its last notification,
   * which is the oldest one.
   */
  cursor({ epoch, entries, position, history }: LogPage): string {
    const last = entries.at(-1);
    if (!last) return this.#cursors.seal(epoch, position);
    return this.#cursors.sealStable(epoch, last.position, history ? 'before' : 'after');
  }

  /**
   * The cursor `follow` of a page of the history: the position after its newest notification. It
   * depends on this notification alone. On a page without notifications, `follow` equals `cursor`.
   */
  #follow({ epoch, entries, history }: LogPage, cursor: string): string | undefined {
    const [newest] = entries;
    if (!history || !newest) return history && cursor;
    return this.#cursors.sealStable(epoch, newest.position, 'after');
  }

  /** The JSON of a long poll. A page without notifications gets the given cursor. */
  body(page: LogPage, cursor?: string): Body {
    if (page.entries.length > 0) return (encodedOf(page).body ??= this.#body(page, this.cursor(page)));
    return this.#body(page, cursor ?? this.cursor(page));
  }

  #body(page: LogPage, cursor: string): Body {
    const follow = this.#follow(page, cursor);
    const body = pageBody(page, cursor, follow);
    if (page.entries.length > 0) return body;
    return { ...body, cursorFromEnd: CURSOR_LENGTH + closing(page, follow).length };
  }

  /** The last answer of the direct lane for this page. */
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

  /**
   * The blocks of an event stream. Empty for an empty page. With `idSuffix`, the ids are valid for
   * one stream only.
   */
  sse(page: LogPage, idSuffix = ''): string {
    const { epoch } = page;
    return pageToSse(page, {
      after: (position) => this.#cursors.sealStable(epoch, position, 'after') + idSuffix,
      before: (position) => this.#cursors.sealStable(epoch, position, 'before') + idSuffix,
      end: () => this.cursor(page) + idSuffix,
    });
  }

  /**
   * The same blocks as bytes, so that a socket does not encode them again. All streams without an
   * `idSuffix` share them.
   */
  blocks(page: LogPage, idSuffix = ''): Blocks {
    if (page.entries.length === 0 || idSuffix !== '') return blocksOf(this.sse(page, idSuffix));
    return (encodedOf(page).blocks ??= blocksOf(this.sse(page)));
  }

  /**
   * The page for application code. It is frozen. Its notifications are shared, and parsed at the
   * first access.
   */
  page(page: LogPage): Page {
    const cursor = this.cursor(page);
    return publicPage(page, cursor, this.#follow(page, cursor));
  }

  seal(epoch: Epoch, position: number): string {
    return this.#cursors.seal(epoch, position);
  }
}

function encodedOf(page: LogPage): Encoded {
  return (page.encoded ??= {}) as Encoded;
}

/** Frames blocks. Both forms are views of one buffer. */
export function blocksOf(text: string): Blocks {
  const chunk = Buffer.from(textChunk(text));
  return { chunk, plain: chunk.subarray(chunk.indexOf('\n') + 1, -2) };
}

function publicPage(page: LogPage, cursor: string, follow: string | undefined): Page | HistoryPage {
  const { more, gap, history } = page;
  const retracted = retractionsIn(page.entries);
  let notifications: readonly Notification[] | undefined;
  return Object.freeze({
    get notifications() {
      return (notifications ??= notificationsOf(page));
    },
    cursor,
    more,
    ...(history && { follow, trimmed: history.trimmed }),
    ...(retracted.length > 0 && { retracted: freeze(retracted) }),
    ...(gap && { gap: Object.freeze({ ...gap }) }),
  });
}

function notificationsOf(page: LogPage): readonly Notification[] {
  const encoded = encodedOf(page);
  const shared = encoded.notifications?.deref();
  if (shared) return shared;
  const parsed = Object.freeze(
    withoutRetractions(page.entries).map(({ json }) => freeze(JSON.parse(json) as Notification)),
  );
  encoded.notifications = new WeakRef(parsed);
  return parsed;
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}

const START = '{"notifications":[';

/**
 * The JSON of a long poll with this cursor. Notifications are already JSON, so the body is joined
 * from them. A page of the history also has the cursor `follow`.
 */
export function pageBody(page: LogPage, cursor: string, follow?: string): Body {
  const entries = withoutRetractions(page.entries);
  const end = ENDING + cursor + closing(page, follow);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes + 1, START.length + end.length);
  if (bytes >= BUFFER_BYTES_MIN) return bytesBody(START, entries, end);
  const text = START + textOf(entries) + end;
  return { content: text, bytes: Buffer.byteLength(text) };
}

function textOf(entries: LogPage['entries']): string {
  return entries.map(({ json }) => json).join();
}

const ENDING = '],"cursor":"';

/** The part after the cursor. */
function closing({ entries, more, gap, history }: LogPage, follow?: string): string {
  const range = history ? `,"follow":"${follow ?? ''}","trimmed":${history.trimmed}` : '';
  const retractions = retractionsIn(entries);
  const retracted = retractions.length > 0 ? `,"retracted":${JSON.stringify(retractions)}` : '';
  return `","more":${more}${range}${retracted}${gap ? `,"gap":${JSON.stringify(gap)}` : ''}}`;
}

/**
 * The encoding for writing a text that has `bytes` bytes in UTF-8. ASCII text, the usual case, only
 * needs a copy.
 */
export function encodingOf(text: string, bytes: number): 'latin1' | 'utf8' {
  return text.length === bytes ? 'latin1' : 'utf8';
}

/** Writes the body in pieces. A text of the whole body would need the same memory again. */
function bytesBody(start: string, entries: LogPage['entries'], end: string): Body {
  const commas = Math.max(entries.length - 1, 0);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, start.length + commas + end.length);
  const content = Buffer.allocUnsafe(bytes);
  let at = content.write(start, 'latin1');
  entries.forEach(({ json, bytes: length }, index) => {
    if (index > 0) at += content.write(',', at, 'latin1');
    at += content.write(json, at, encodingOf(json, length));
  });
  content.write(end, at, 'latin1');
  return { content, bytes };
}
