import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/clock.js';
import type { FeedCounts } from '../../core/load.js';
import type { GrantedRead } from '../access/granted.js';
import { describeRead } from './error-headers.js';
import { connectionOf, isHttp1, type ResponseConnection } from './raw-response.js';
import type { SecurityEventOf } from '../security/security-event.js';
import type { SecurityEvents } from '../security/security-events.js';

/**
 * The lower limit for the size of a page under memory pressure. A smaller page would save less than
 * its request costs.
 */
const PAGE_BYTES_MIN = 16 * 1024;
/**
 * The next page may use this part of the free bytes. The total then approaches the bound without
 * exceeding it.
 */
const FREE_PART = 1 / 8;
/**
 * When the bound is exceeded, connections are closed until the used bytes fall to this part of it.
 * So the next answer does not exceed the bound at once.
 */
const CUT_TO_PART = 7 / 8;
/**
 * The memory of an unread answer in addition to its bytes: the write request, the `Piece`, its
 * listeners.
 */
const OVERHEAD_BYTES = 512;

export interface UnreadLimits {
  /** Unread bytes on the whole node. */
  readonly bytesMax: number;
  /** How long a client may leave an answer unread. */
  readonly msMax: number;
  /** The size limit of a page while no answer is unread. */
  readonly pageBytesMax: number;
  readonly streamPageBytesMax: number;
}

export interface UnreadCounts {
  /** Connections with answers that the client has not read completely. */
  readonly unreadConnections: number;
  /** Bytes that this node keeps for these connections. */
  readonly unreadBytes: number;
}

/** A client that has not read its last answer. */
export interface UnreadClient {
  /** The read of its oldest unread answer. */
  readonly read: GrantedRead;
  readonly bytes: number;
  /** The time since the client last read bytes of an answer. */
  readonly ageMs: number;
}

export const NOTHING_UNREAD: UnreadCounts = { unreadConnections: 0, unreadBytes: 0 };

/** The current counts of a node. All are zero when no client is connected. */
export interface NotificationsCounts extends FeedCounts, UnreadCounts {}

type Content = string | Uint8Array;

/** An answer, or a part of it. */
interface Written {
  readonly content: Content;
  readonly read: GrantedRead;
}

/** Bytes that were written to a connection and have not been flushed to the kernel. */
interface Piece {
  /** The buffer, if several connections share it. */
  readonly shared: Uint8Array | undefined;
  readonly bytes: number;
  /** The read that the bytes answer. */
  readonly read: GrantedRead;
  readonly done: () => void;
}

interface Entry {
  readonly connection: ResponseConnection;
  readonly pieces: Set<Piece>;
  readonly onClose: () => void;
  sinceMs: number;
  timer: Timer;
}

/**
 * Answers that clients have not read: they are bounded in bytes for the whole node, and in time for
 * each connection.
 *
 * Pages get smaller near the bound, so clients that read are still served. If the bound is
 * exceeded, the node closes the connections that have kept the most bytes for the longest time.
 * Their cursors stay valid.
 */
export class UnreadAnswers {
  readonly #clock: Clock;
  readonly #limits: UnreadLimits;
  readonly #security: SecurityEvents;
  readonly #entries = new Map<ResponseConnection, Entry>();
  /** How many pieces share a buffer. */
  readonly #sharers = new Map<Uint8Array, number>();
  #bytes = 0;

  constructor(clock: Clock, limits: UnreadLimits, security: SecurityEvents) {
    this.#clock = clock;
    this.#limits = limits;
    this.#security = security;
  }

  counts(): UnreadCounts {
    return { unreadConnections: this.#entries.size, unreadBytes: this.#bytes };
  }

  /** The clients with the highest product of unread bytes and age, in descending order. */
  slowest(count: number): readonly UnreadClient[] {
    const nowMs = this.#clock.monotonic();
    const top: { readonly entry: Entry; readonly cost: number }[] = [];
    // A sort of thousands of entries would cost more than this bounded list.
    for (const entry of this.#entries.values()) {
      const cost = this.#costOf(entry, nowMs);
      const index = top.findLastIndex((other) => other.cost >= cost) + 1;
      if (index >= count) continue;
      top.splice(index, 0, { entry, cost });
      top.length = Math.min(top.length, count);
    }
    return top.flatMap(({ entry }) => this.#describe(entry));
  }

  readonly pollBytes = (): number => this.#pageBytes(this.#limits.pageBytesMax);

  readonly streamBytes = (): number => this.#pageBytes(this.#limits.streamPageBytesMax);

  /**
   * Resolves when an ended response is flushed to the kernel, or its connection has closed.
   * Undefined if that has happened already.
   */
  untilFinished(raw: ServerResponse, content: Content, read: GrantedRead): Promise<void> | undefined {
    const connection = connectionOf(raw);
    if (isFlushed(raw) || connection.destroyed) return undefined;
    return this.#keep(connection, { content, read }, (done) => raw.once('finish', done));
  }

  /**
   * Resolves when all bytes of a socket are flushed to the kernel, or it has closed. Undefined if
   * that has happened already.
   */
  untilFlushed(socket: Socket, content: Content, read: GrantedRead): Promise<void> | undefined {
    if (socket.writableLength === 0 || socket.destroyed) return undefined;
    // The callback of an empty write runs after the callbacks of all earlier writes, as in
    // node:http's own `end`.
    return this.#keep(socket, { content, read }, (done) => socket.write('', done));
  }

  /** Resolves when the buffer of a response has drained, or its connection has closed. */
  untilDrained(raw: ServerResponse, content: Content, read: GrantedRead): Promise<void> | undefined {
    const connection = connectionOf(raw);
    if (connection.destroyed) return undefined;
    return this.#keep(connection, { content, read }, (done) => raw.once('drain', done));
  }

  /**
   * After the server has stopped, closes the connection of every client that has not read its
   * answer.
   */
  cutAll(): void {
    for (const entry of [...this.#entries.values()]) this.#destroy(entry);
  }

  /**
   * Near the bound, the size of a page is rounded down to a power of two, so that readers still
   * share pages.
   */
  #pageBytes(bytesMax: number): number {
    const free = Math.max(this.#limits.bytesMax - this.#bytes, 0) * FREE_PART;
    if (free >= bytesMax) return bytesMax;
    return Math.min(bytesMax, Math.max(PAGE_BYTES_MIN, 2 ** Math.floor(Math.log2(free))));
  }

  #keep(
    connection: ResponseConnection,
    { content, read }: Written,
    whenDone: (done: () => void) => void,
  ): Promise<void> {
    return new Promise((resolve) => {
      const entry = this.#entries.get(connection) ?? this.#open(connection);
      const piece: Piece = { ...sizeOf(connection, content), read, done: resolve };
      entry.pieces.add(piece);
      this.#count(piece);
      whenDone(() => {
        this.#remove(entry, piece);
      });
      if (this.#bytes > this.#limits.bytesMax) this.#cutSome();
    });
  }

  #open(connection: ResponseConnection): Entry {
    const onClose = (): void => {
      this.#close(entry);
    };
    const entry: Entry = { connection, pieces: new Set(), onClose, sinceMs: this.#clock.monotonic(), timer: undefined };
    this.#startTimer(entry);
    this.#entries.set(connection, entry);
    connection.once('close', onClose);
    return entry;
  }

  #startTimer(entry: Entry): void {
    entry.timer = this.#clock.setTimeout(() => {
      this.#cut(entry, 'stream.unreadMsMax');
    }, this.#limits.msMax);
  }

  #remove(entry: Entry, piece: Piece): void {
    if (!entry.pieces.delete(piece)) return;
    this.#uncount(piece);
    piece.done();
    if (entry.pieces.size === 0) this.#close(entry);
    else {
      // The client reads, so the time for the remaining bytes starts again.
      this.#clock.clearTimeout(entry.timer);
      entry.sinceMs = this.#clock.monotonic();
      this.#startTimer(entry);
    }
  }

  #cut(entry: Entry, limit: SecurityEventOf<'cut'>['limit']): void {
    const [oldest, ...others] = entry.pieces;
    if (oldest) {
      this.#security.cut(limit, () => {
        const unreadBytes = others.reduce((sum, { bytes }) => sum + bytes, oldest.bytes);
        return { ...describeRead(oldest.read), unreadBytes };
      });
    }
    this.#destroy(entry);
  }

  #destroy(entry: Entry): void {
    entry.connection.destroy();
    this.#close(entry);
  }

  #close({ connection, pieces, onClose, timer }: Entry): void {
    this.#clock.clearTimeout(timer);
    connection.off('close', onClose);
    this.#entries.delete(connection);
    for (const piece of pieces) {
      this.#uncount(piece);
      piece.done();
    }
    pieces.clear();
  }

  /**
   * The cost of a connection: its bytes, with its part of shared buffers, multiplied by the time.
   */
  #costOf({ pieces, sinceMs }: Entry, nowMs: number): number {
    let bytes = 0;
    for (const { shared, bytes: own } of pieces) {
      bytes += OVERHEAD_BYTES + (shared ? shared.byteLength / (this.#sharers.get(shared) ?? 1) : own);
    }
    return bytes * (nowMs - sinceMs);
  }

  #describe({ pieces, sinceMs }: Entry): readonly UnreadClient[] {
    const [oldest] = pieces;
    if (!oldest) return [];
    const bytes = [...pieces].reduce((sum, piece) => sum + piece.bytes, 0);
    return [{ read: oldest.read, bytes, ageMs: this.#clock.monotonic() - sinceMs }];
  }

  #cutSome(): void {
    const nowMs = this.#clock.monotonic();
    const costs = [...this.#entries.values()].map((entry) => [entry, this.#costOf(entry, nowMs)] as const);
    costs.sort(([, one], [, other]) => other - one);
    for (const [entry] of costs) {
      if (this.#bytes <= this.#limits.bytesMax * CUT_TO_PART) return;
      this.#cut(entry, 'limits.unreadBytesMax');
    }
  }

  #count({ shared, bytes }: Piece): void {
    this.#bytes += OVERHEAD_BYTES;
    if (!shared) this.#bytes += bytes;
    else {
      const sharers = this.#sharers.get(shared) ?? 0;
      if (sharers === 0) this.#bytes += bytes;
      this.#sharers.set(shared, sharers + 1);
    }
  }

  #uncount({ shared, bytes }: Piece): void {
    this.#bytes -= OVERHEAD_BYTES;
    const sharers = shared ? (this.#sharers.get(shared) ?? 1) - 1 : 0;
    if (shared && sharers > 0) this.#sharers.set(shared, sharers);
    else {
      this.#bytes -= bytes;
      if (shared) this.#sharers.delete(shared);
    }
  }
}

/**
 * In HTTP/1.1 `finish` is emitted later than the flush. Since Node.js 24, `writableFinished` is
 * true only after `finish`.
 */
function isFlushed(raw: ServerResponse): boolean {
  return raw.writableFinished || (isHttp1(raw) && raw.writableEnded && raw.writableLength === 0);
}

/**
 * A plain socket keeps a reference to a buffer that it has not sent. TLS and HTTP/2 copy the
 * buffer, and Node.js copies strings.
 */
function sizeOf(connection: ResponseConnection, content: Content): Pick<Piece, 'shared' | 'bytes'> {
  if (typeof content === 'string') return { shared: undefined, bytes: Buffer.byteLength(content) };
  const isPlain = 'bytesWritten' in connection && !('encrypted' in connection);
  return { shared: isPlain ? content : undefined, bytes: content.byteLength };
}
