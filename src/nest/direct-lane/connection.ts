import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Unsubscribable } from 'rxjs';
import { getHead } from '../../wire/http1.js';
import type { GrantedRead } from '../access/granted.js';
import type { LaneAnswer } from './answers.js';

/** A poll that the guards allowed, and the time of its arrival. */
export interface Arrival {
  readonly granted: GrantedRead;
  readonly atMs: number;
}

/** The common parts of polls that repeat on a connection. */
interface Form {
  /** All bytes of the request. */
  readonly head: Buffer;
  readonly cursorAt: number;
  readonly cursorEnd: number;
  /** The header lines that the application has set on the answer. */
  readonly answerLines: string;
}

/** The form of the last two answered polls, and the arrival of the later one. */
export interface Grant {
  readonly form: Form;
  readonly arrival: Arrival;
}

/** The part of the lane that a connection uses. */
export interface LaneHost {
  readonly server: Server;
  /**
   * Called for a repeated poll. The lane holds it, answers it, or passes it through to node:http,
   * now or later.
   */
  onPoll(connection: LaneConnection, grant: Grant, cursor: string): void;
  /** Resolves when all bytes are flushed to the kernel. Undefined if that has happened already. */
  untilFlushed(socket: Socket, content: string | Uint8Array, read: GrantedRead): Promise<void> | undefined;
  /** Called after the last write, before the connection closes. */
  onClosing(socket: Socket): void;
}

/** Headers of requests that have a body or change the protocol of the connection. */
const UNSUPPORTED_HEADERS = ['content-length', 'transfer-encoding', 'trailer', 'expect', 'upgrade'];

/**
 * The time that node:http adds to the advertised keep-alive time, in versions without an option for
 * it.
 */
const KEEP_ALIVE_BUFFER_MS = 1_000;

/** node:http's own listener, which feeds its parser. */
type Parse = (bytes: Buffer) => void;

/**
 * A connection of the direct lane. It receives the client's bytes before node:http's parser. It
 * recognizes a repeated poll by its bytes. For any other bytes it returns the connection to the
 * parser.
 *
 * It starts to listen after node:http has answered a poll, and gets its grant only if no more bytes
 * have arrived. It stops when it returns the connection. So the bytes that it receives while idle
 * always begin a new request.
 *
 * node:http feeds its parser from a `data` listener if other code listens to `data` too. This class
 * replaces that listener. If a future Node.js has no such listener, the connection does not use the
 * lane.
 */
export class LaneConnection {
  readonly #socket: Socket;
  readonly #host: LaneHost;
  #parse: Parse | undefined;
  #isListening = false;
  /** The form of the last poll that node:http parsed. */
  #form: Form | undefined;
  #grant: Grant | undefined;
  /** The last bytes that the parser received, and the socket's `bytesRead` at that time. */
  #parserInput: { readonly bytes: Buffer; readonly bytesRead: number } | undefined;
  #parsed: IncomingMessage | undefined;
  /** True while a poll is in progress on the lane. */
  #isBusy = false;
  /** The bytes of that poll, while it may still be passed through to node:http. */
  #polled: Buffer | undefined;
  #waiter: Unsubscribable | undefined;
  /**
   * Resolves when the last answer was written to the kernel. Until then the connection reads no
   * other request.
   */
  #unread: Promise<void> | undefined;
  /** Bytes that arrived while a poll was in progress, or while its answer was unread. */
  #pipelined: Buffer | undefined;

  constructor(socket: Socket, host: LaneHost) {
    this.#socket = socket;
    this.#host = host;
    socket.on('close', () => this.#waiter?.unsubscribe());
  }

  /** Called when node:http has parsed a request. */
  onParsed(request: IncomingMessage): void {
    this.#parsed = request;
  }

  /**
   * Called when node:http has answered a poll. If the poll equals the one before it except for the
   * cursor, the next one may use the lane.
   */
  learn(raw: ServerResponse, arrival: Arrival, answerLines: string): void {
    const before = this.#form;
    const form = formOf(raw, arrival.granted.asked.cursor, answerLines);
    const isQuiet = form !== undefined && this.#isQuietAfter(raw, form);
    this.#form = form;
    this.#parserInput = undefined;
    this.#parsed = undefined;
    const repeats = form && before?.answerLines === answerLines && isAlike(before, form.head);
    this.#grant = isQuiet && repeats ? { form, arrival } : undefined;
    if (form && !this.#isListening) this.#listen();
  }

  /** Drops the grant and the form. The next poll takes the usual path. */
  forget(): void {
    this.#form = this.#grant = this.#parserInput = this.#parsed = undefined;
  }

  /**
   * Keeps the waiter of the current poll until the poll is answered. The waiter is released if the
   * client disconnects.
   */
  hold(waiter: Unsubscribable): void {
    this.#polled = undefined;
    if (!this.#isBusy) return;
    if (this.#socket.destroyed) waiter.unsubscribe();
    else this.#waiter = waiter;
  }

  /** Answers the current poll. */
  answer({ pieces, close }: LaneAnswer, read: GrantedRead): void {
    const socket = this.#socket;
    this.#isBusy = false;
    this.#polled = this.#waiter = undefined;
    if (pieces.length > 1) socket.cork();
    for (const piece of pieces) socket.write(piece);
    if (pieces.length > 1) socket.uncork();
    if (close) {
      socket.destroySoon();
      this.#host.onClosing(socket);
      return;
    }
    this.#unread = this.#host.untilFlushed(socket, pieces.at(-1) ?? '', read);
    if (this.#unread) void this.#unread.then(this.#continue);
    else this.#continue();
  }

  /**
   * Resolves when the kernel has the last answer. Undefined if the kernel already has the last
   * answer.
   */
  drained(): Promise<void> | undefined {
    return this.#unread;
  }

  readonly #continue = (): void => {
    const socket = this.#socket;
    this.#unread = undefined;
    if (socket.destroyed) return;
    this.#startIdleTimeout();
    const next = this.#pipelined;
    this.#pipelined = undefined;
    if (next === undefined) return;
    socket.resume();
    this.#onData(next);
  };

  /** Passes the current poll through to node:http and the framework. */
  passThrough(): void {
    const [polled, next] = [this.#polled, this.#pipelined];
    this.#isBusy = false;
    this.#polled = this.#pipelined = undefined;
    // The parser of a closed connection may belong to another connection now.
    if (polled === undefined || this.#socket.destroyed) return;
    this.#returnToParser(polled);
    if (next === undefined) return;
    this.#parserInput = undefined;
    this.#parse?.call(this.#socket, next);
    this.#socket.resume();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#isBusy || this.#unread) {
      // A pipelined request (RFC 9112, 9.3.2). It is read after the current answer.
      this.#pipelined = bytes;
      this.#socket.pause();
      return;
    }
    const grant = this.#grant;
    if (grant === undefined || !isAlike(grant.form, bytes)) {
      this.#returnToParser(bytes);
      return;
    }
    this.#isBusy = true;
    this.#polled = bytes;
    this.#socket.setTimeout(this.#host.server.timeout);
    const { cursorAt, cursorEnd } = grant.form;
    this.#host.onPoll(this, grant, bytes.toString('latin1', cursorAt, cursorEnd));
  };

  #listen(): void {
    const [parse, ...others] = this.#socket.listeners('data') as Parse[];
    if (parse === undefined || others.length > 0) return;
    this.#parse = parse;
    this.#socket.on('data', this.#onData);
    this.#socket.off('data', parse);
    this.#isListening = true;
  }

  /** Returns the connection and these bytes to node:http. */
  #returnToParser(bytes: Buffer): void {
    const socket = this.#socket;
    const parse = this.#parse;
    if (parse === undefined) return;
    this.#isListening = false;
    socket.on('data', parse);
    socket.off('data', this.#onData);
    // Bytes that the socket still buffers also go to the parser.
    this.#parserInput = socket.readableLength === 0 ? { bytes, bytesRead: socket.bytesRead } : undefined;
    parse.call(socket, bytes);
  }

  /** Starts the idle timeout of the connection, as node:http does after an answer. */
  #startIdleTimeout(): void {
    const idleMs = idleMsOf(this.#host.server);
    if (!this.#isBusy && idleMs > 0) this.#socket.setTimeout(idleMs);
  }

  /**
   * True if the parser is between two requests. Then its last bytes equal the answered request, and
   * the socket has received no bytes since.
   */
  #isQuietAfter(raw: ServerResponse, form: Form): boolean {
    const input = this.#parserInput;
    const isLast = this.#parsed === raw.req && raw.socket === this.#socket;
    return isLast && input?.bytesRead === this.#socket.bytesRead && input.bytes.equals(form.head);
  }
}

/**
 * The timeout is longer than the advertised keep-alive time, so that a proxy does not send a
 * request while the connection closes. Since Node.js 22.19, an option sets the difference. Earlier
 * versions use one second.
 */
function idleMsOf({ keepAliveTimeout, keepAliveTimeoutBuffer }: Server & { keepAliveTimeoutBuffer?: number }): number {
  if (!(keepAliveTimeout > 0)) return 0;
  const isBuffer = keepAliveTimeoutBuffer !== undefined && keepAliveTimeoutBuffer >= 0;
  return keepAliveTimeout + (isBuffer ? keepAliveTimeoutBuffer : KEEP_ALIVE_BUFFER_MS);
}

/** Undefined for a request that has a body, changes the protocol, or has no cursor. */
function formOf(raw: ServerResponse, cursor: string | undefined, answerLines: string): Form | undefined {
  const { req: request } = raw;
  const { headers, rawHeaders } = request;
  if (cursor === undefined || request.method !== 'GET' || request.httpVersion !== '1.1') return undefined;
  if (UNSUPPORTED_HEADERS.some((name) => name in headers)) return undefined;
  const url = originalUrl(request);
  const at = url.indexOf(`cursor=${cursor}`);
  if (at < 0) return undefined;
  const cursorAt = 'GET '.length + at + 'cursor='.length;
  return {
    head: getHead(url, rawHeaders),
    cursorAt,
    cursorEnd: cursorAt + cursor.length,
    answerLines,
  };
}

/** True if the bytes equal a form, except for the cursor. */
function isAlike({ head, cursorAt, cursorEnd }: Form, bytes: Buffer): boolean {
  return (
    bytes.length === head.length &&
    head.compare(bytes, 0, cursorAt, 0, cursorAt) === 0 &&
    head.compare(bytes, cursorEnd, bytes.length, cursorEnd) === 0
  );
}

function originalUrl(request: IncomingMessage & { originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? '';
}
