import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Unsubscribable } from 'rxjs';
import { getHead } from '../../wire/http1.js';
import type { GrantedRead } from '../access/granted.js';
import type { LaneAnswer } from './answers.js';

/** What the guards made of a poll, and when. */
export interface Arrival {
  readonly granted: GrantedRead;
  readonly atMs: number;
}

/** What polls that take the lane one after the other have in common. */
interface Form {
  /** The request, every byte of it. */
  readonly head: Buffer;
  readonly cursorAt: number;
  readonly cursorEnd: number;
  /** Lines that the application has set on the answer. */
  readonly answerLines: string;
}

/** A form that was answered twice, and what its polls may do. */
export interface Grant {
  readonly form: Form;
  readonly arrival: Arrival;
}

/** What a connection needs of its lane. */
export interface LaneHost {
  readonly server: Server;
  /** A poll repeats. It is to be held, answered or sent the whole way, now or later. */
  onPoll(connection: LaneConnection, grant: Grant, cursor: string): void;
  /** Resolves when the kernel has taken all that was written; undefined if it has already. */
  untilFlushed(socket: Socket, content: string | Uint8Array, read: GrantedRead): Promise<void> | undefined;
  /** The last thing has been written. */
  onClosing(socket: Socket): void;
}

/** Headers of requests that go on behind their head, or change what the connection is. */
const MORE_TO_COME = ['content-length', 'transfer-encoding', 'trailer', 'expect', 'upgrade'];

/** What node:http adds to the advertised keep-alive time, where it has no option for it. */
const KEEP_ALIVE_BUFFER_MS = 1_000;

/** node:http's own listener, which feeds its parser. */
type Parse = (bytes: Buffer) => void;

/**
 * A connection of the direct lane: it hears what its client sends before node:http's parser does,
 * knows a poll that repeats by its bytes, and gives everything else to the parser, together with
 * the connection.
 *
 * It hears only while nothing is under way at node:http: from when a poll has been answered there,
 * if no byte has come behind it, until it gives the connection back. So what it takes is never a
 * body, a part of a head, or an answer before its turn. (Listening to a connection's `data` is how
 * any code makes node:http hand over what it reads; it then feeds its parser from a listener too,
 * which is put aside here. Where that listener is not found, as it may be in a node of the future,
 * the connection stays as it is.)
 */
export class LaneConnection {
  readonly #socket: Socket;
  readonly #host: LaneHost;
  #parse: Parse | undefined;
  #isHearing = false;
  /** Of the last poll that went the whole way. */
  #form: Form | undefined;
  #grant: Grant | undefined;
  /** What was given to the parser last, and all that had been read by then. */
  #given: { readonly bytes: Buffer; readonly bytesRead: number } | undefined;
  #parsed: IncomingMessage | undefined;
  /** Whether a poll is under way. */
  #isAsked = false;
  /** Its bytes, as long as it may have to go the whole way. */
  #asked: Buffer | undefined;
  #waiter: Unsubscribable | undefined;
  /** Resolves when the client has read the last answer. Until then the connection is not read. */
  #unread: Promise<void> | undefined;
  /** What came while a poll was under way, or its answer was unread. */
  #next: Buffer | undefined;

  constructor(socket: Socket, host: LaneHost) {
    this.#socket = socket;
    this.#host = host;
    socket.on('close', () => this.#waiter?.unsubscribe());
  }

  /** node:http has understood a request. */
  onParsed(request: IncomingMessage): void {
    this.#parsed = request;
  }

  /**
   * A poll has gone the whole way and was answered just now. If it is like the one before it, the
   * next may take the lane.
   */
  learn(raw: ServerResponse, arrival: Arrival, answerLines: string): void {
    const before = this.#form;
    const form = formOf(raw, arrival.granted.asked.cursor, answerLines);
    const isQuiet = form !== undefined && this.#isQuietAfter(raw, form);
    this.#form = form;
    this.#given = undefined;
    this.#parsed = undefined;
    const repeats = form && before?.answerLines === answerLines && isAlike(before, form.head);
    this.#grant = isQuiet && repeats ? { form, arrival } : undefined;
    if (form && !this.#isHearing) this.#hear();
  }

  /** Nothing that was learned holds any more. */
  forget(): void {
    this.#form = this.#grant = this.#given = this.#parsed = undefined;
  }

  /** The poll under way is answered later; its waiter is released if the client leaves before. */
  hold(waiter: Unsubscribable): void {
    this.#asked = undefined;
    if (!this.#isAsked) return;
    if (this.#socket.destroyed) waiter.unsubscribe();
    else this.#waiter = waiter;
  }

  /** Answers the poll under way. */
  answer({ pieces, close }: LaneAnswer, read: GrantedRead): void {
    const socket = this.#socket;
    this.#isAsked = false;
    this.#asked = this.#waiter = undefined;
    if (pieces.length > 1) socket.cork();
    for (const piece of pieces) socket.write(piece);
    if (pieces.length > 1) socket.uncork();
    if (close) {
      socket.destroySoon();
      this.#host.onClosing(socket);
      return;
    }
    this.#unread = this.#host.untilFlushed(socket, pieces.at(-1) ?? '', read);
    if (this.#unread) void this.#unread.then(this.#goOn);
    else this.#goOn();
  }

  /** Resolves when the client has read the last answer; undefined if it has already. */
  drained(): Promise<void> | undefined {
    return this.#unread;
  }

  readonly #goOn = (): void => {
    const socket = this.#socket;
    this.#unread = undefined;
    if (socket.destroyed) return;
    this.#rest();
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return;
    socket.resume();
    this.#onData(next);
  };

  /** Gives the poll under way to the framework. */
  goWholeWay(): void {
    const [asked, next] = [this.#asked, this.#next];
    this.#isAsked = false;
    this.#asked = this.#next = undefined;
    // Of a connection that is gone the parser may be another's by now.
    if (asked === undefined || this.#socket.destroyed) return;
    this.#giveBack(asked);
    if (next === undefined) return;
    this.#given = undefined;
    this.#parse?.call(this.#socket, next);
    this.#socket.resume();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#isAsked || this.#unread) {
      // Sent before the last answer, as pipelining clients do (RFC 9112, 9.3.2): its turn comes.
      this.#next = bytes;
      this.#socket.pause();
      return;
    }
    const grant = this.#grant;
    if (grant === undefined || !isAlike(grant.form, bytes)) {
      this.#giveBack(bytes);
      return;
    }
    this.#isAsked = true;
    this.#asked = bytes;
    this.#socket.setTimeout(this.#host.server.timeout);
    const { cursorAt, cursorEnd } = grant.form;
    this.#host.onPoll(this, grant, bytes.toString('latin1', cursorAt, cursorEnd));
  };

  #hear(): void {
    const [parse, ...others] = this.#socket.listeners('data') as Parse[];
    if (parse === undefined || others.length > 0) return;
    this.#parse = parse;
    this.#socket.on('data', this.#onData);
    this.#socket.off('data', parse);
    this.#isHearing = true;
  }

  /** From here on node:http has the connection. */
  #giveBack(bytes: Buffer): void {
    const socket = this.#socket;
    const parse = this.#parse;
    if (parse === undefined) return;
    this.#isHearing = false;
    socket.on('data', parse);
    socket.off('data', this.#onData);
    // What has been read and not been heard yet goes to the parser, too.
    this.#given = socket.readableLength === 0 ? { bytes, bytesRead: socket.bytesRead } : undefined;
    parse.call(socket, bytes);
  }

  /**
   * Starts the time after which an idle connection is closed, as node:http does after an answer.
   */
  #rest(): void {
    const idleMs = idleMsOf(this.#host.server);
    if (!this.#isAsked && idleMs > 0) this.#socket.setTimeout(idleMs);
  }

  /**
   * Whether an answered request is the last of which any byte was read, and the whole of what was
   * given to the parser: then the parser is between two requests.
   */
  #isQuietAfter(raw: ServerResponse, form: Form): boolean {
    const given = this.#given;
    const isLast = this.#parsed === raw.req && raw.socket === this.#socket;
    return isLast && given?.bytesRead === this.#socket.bytesRead && given.bytes.equals(form.head);
  }
}

/**
 * Longer than the advertised keep-alive time, so that a proxy does not send a request while the
 * connection is being closed. The buffer can be set since Node.js 22.19; before, it is one second.
 */
function idleMsOf({ keepAliveTimeout, keepAliveTimeoutBuffer }: Server & { keepAliveTimeoutBuffer?: number }): number {
  if (!(keepAliveTimeout > 0)) return 0;
  const isBuffer = keepAliveTimeoutBuffer !== undefined && keepAliveTimeoutBuffer >= 0;
  return keepAliveTimeout + (isBuffer ? keepAliveTimeoutBuffer : KEEP_ALIVE_BUFFER_MS);
}

/** Undefined for a request that carries more than its head, or no cursor that could change. */
function formOf(raw: ServerResponse, cursor: string | undefined, answerLines: string): Form | undefined {
  const { req: request } = raw;
  const { headers, rawHeaders } = request;
  if (cursor === undefined || request.method !== 'GET' || request.httpVersion !== '1.1') return undefined;
  if (MORE_TO_COME.some((name) => name in headers)) return undefined;
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

/** Whether bytes are those of a form at whatever cursor. */
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
