import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ClientRequest, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FeedRequest } from '../../core/feed-request.js';
import type { LogPosition } from '../../core/page.js';
import { headerLines } from '../../wire/http1.js';
import { LaneAnswers } from './answers.js';
import { type Arrival, type Grant, LaneConnection, type LaneHost } from './connection.js';
import { LanePoll } from './poll.js';
import type { GrantedRead } from '../access/granted.js';
import { optionError } from '../settings.js';
import { isHttp1, isWrapped } from '../http/raw-response.js';
import type { ReadContext } from '../context.js';
import { CONTEXT } from '../module/tokens.js';

type LaneSocket = Socket & Record<symbol, LaneConnection | undefined>;

/** Written with every page, whoever writes it. */
const OWN_HEADERS = ['content-type', 'content-length', 'cache-control'];
/**
 * Set by an application, they say something else of the connection or of each answer than the lane
 * would.
 */
const TELLING_HEADERS = ['set-cookie', 'connection', 'keep-alive', 'transfer-encoding', 'trailer', 'date'];

/**
 * Answers polls that repeat on a connection before the framework, and node:http's parser, see them:
 * most of what a poll costs is theirs.
 *
 * What makes it safe is that it knows a client by its connection, and a request by every byte of it
 * but the cursor: who sends other credentials, another path or another topic goes the whole way.
 * Nothing is taken from the client for granted.
 */
@Injectable()
export class DirectLane implements OnApplicationBootstrap, LaneHost {
  readonly #context: ReadContext;
  readonly #adapterHost: HttpAdapterHost;
  readonly #answers: LaneAnswers;
  readonly #onSocket = Symbol('lane');

  constructor(@Inject(CONTEXT) runtime: ReadContext, @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost) {
    this.#context = runtime;
    this.#adapterHost = adapterHost;
    this.#answers = new LaneAnswers(runtime, () => this.server.keepAliveTimeout);
  }

  get isOpen(): boolean {
    return this.#context.settings.directLane.grantMs > 0;
  }

  get server(): Server {
    return this.#adapterHost.httpAdapter.getHttpServer() as Server;
  }

  onApplicationBootstrap(): void {
    if (!this.isOpen) return;
    if (this.#context.responder.isObserved) {
      const rule =
        'must be 0, because interceptors or exception filters (global ones, or in `decorators`) would not see its answers';
      throw optionError('directLane.grantMs', this.#context.settings.directLane.grantMs, rule);
    }
    this.server.prependListener('request', (request: IncomingMessage) => {
      (request.socket as LaneSocket)[this.#onSocket]?.onParsed(request);
    });
  }

  /**
   * Remembers a poll when it has been answered, so that the next one may take the lane. Undefined
   * while the lane is off.
   */
  observe(granted: GrantedRead): ((raw: ServerResponse) => void) | undefined {
    if (!this.isOpen) return undefined;
    const arrival: Arrival = { granted, atMs: this.#context.clock.monotonic() };
    return (raw) => {
      this.#learn(raw, arrival);
    };
  }

  #learn(raw: ServerResponse, arrival: Arrival): void {
    const socket = raw.req.socket as LaneSocket;
    if (this.#isPlain(raw)) {
      const connection = (socket[this.#onSocket] ??= new LaneConnection(socket, this));
      connection.learn(raw, arrival, headerLines(applicationHeaders(raw)));
    } else socket[this.#onSocket]?.forget();
  }

  onPoll(connection: LaneConnection, grant: Grant, cursor: string): void {
    const { feed, clock } = this.#context;
    const { arrival } = grant;
    const nowMs = clock.monotonic();
    const after = this.#isGood(arrival, nowMs) ? this.#place(cursor) : undefined;
    if (after === undefined) {
      connection.goWholeWay();
      return;
    }
    const poll = new LanePoll(this.#answers, connection, grant, cursor);
    poll.start(feed, this.#request(arrival, after, nowMs));
  }

  untilFlushed(socket: Socket, content: string | Uint8Array, read: GrantedRead): Promise<void> | undefined {
    return this.#context.unread.untilFlushed(socket, content, read);
  }

  onClosing(socket: Socket): void {
    this.#context.closing.add(socket);
  }

  /** Whether an answer is one that the lane would give as well. */
  #isPlain(raw: ServerResponse): boolean {
    return (
      isHttp1(raw) &&
      raw.sendDate &&
      !isWrapped(raw) &&
      !TELLING_HEADERS.some((name) => raw.hasHeader(name)) &&
      (raw.req.headers.connection ?? 'keep-alive') === 'keep-alive' &&
      !this.server.maxRequestsPerSocket
    );
  }

  /**
   * Whether the grant still holds: it has not expired, and its subscriber was not revoked since its
   * access was checked.
   */
  #isGood({ granted, atMs }: Arrival, nowMs: number): boolean {
    const { feed, settings } = this.#context;
    const { subscriber, revocations, expiresInMs } = granted;
    const lastsMs = Math.min(settings.directLane.grantMs, expiresInMs);
    return nowMs < atMs + lastsMs && !feed.isRevoked({ subscriber, revocations });
  }

  /** The request to the feed of a poll that repeats a granted one. */
  #request({ granted, atMs }: Arrival, after: LogPosition, nowMs: number): FeedRequest {
    const { topics, subscriber, address, rights, asked, expiresInMs, revocations } = granted;
    const waitMs = Math.min(asked.waitMs, atMs + expiresInMs - nowMs);
    const bytesMax = this.#context.unread.pollBytes;
    return { topics, after, limit: asked.limit, bytesMax, waitMs, subscriber, address, rights, revocations };
  }

  #place(cursor: string): LogPosition | undefined {
    const { cursors, feed } = this.#context;
    return cursors.open(cursor, feed.window.epoch);
  }
}

function applicationHeaders(raw: ServerResponse) {
  // Every outgoing message has it, although it is documented for requests alone.
  const names = (raw as ServerResponse & Pick<ClientRequest, 'getRawHeaderNames'>).getRawHeaderNames();
  return names
    .filter((name) => !OWN_HEADERS.includes(name.toLowerCase()))
    .map((name) => [name, raw.getHeader(name) ?? ''] as const);
}
