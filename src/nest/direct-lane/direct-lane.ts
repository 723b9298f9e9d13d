import type { OnApplicationBootstrap, Provider } from '@nestjs/common';
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
import { CONTEXT, DIRECT_LANE } from '../module/tokens.js';

type LaneSocket = Socket & Record<symbol, LaneConnection | undefined>;

/** Headers that this library writes with every page. */
const OWN_HEADERS = ['content-type', 'content-length', 'cache-control'];
/**
 * An answer with one of these headers is not repeated. Their values depend on the connection or on
 * the single answer.
 */
const EXCLUDED_HEADERS = ['set-cookie', 'connection', 'keep-alive', 'transfer-encoding', 'trailer', 'date'];

/**
 * Answers polls that repeat on a connection. It bypasses node:http's parser and the framework,
 * which cause most of the cost of a poll.
 *
 * It is safe because it recognizes a client by its connection, and a request by all of its bytes
 * except for the cursor. A request with other credentials, another path or another topic takes the
 * usual path. The lane trusts no other data from the client.
 */
export class DirectLane implements OnApplicationBootstrap, LaneHost {
  readonly #context: ReadContext;
  readonly #adapterHost: HttpAdapterHost;
  readonly #answers: LaneAnswers;
  readonly #connectionKey = Symbol('lane');

  constructor(context: ReadContext, adapterHost: HttpAdapterHost) {
    this.#context = context;
    this.#adapterHost = adapterHost;
    this.#answers = new LaneAnswers(context, () => this.server.keepAliveTimeout);
  }

  get server(): Server {
    return this.#adapterHost.httpAdapter.getHttpServer() as Server;
  }

  onApplicationBootstrap(): void {
    if (this.#context.responder.isObserved) {
      const rule =
        'must be 0, because the feed has interceptors or exception filters (global, or in `decorators`), and the direct lane bypasses them';
      throw optionError('directLane.grantMs', this.#context.settings.directLane.grantMs, rule);
    }
    this.server.prependListener('request', (request: IncomingMessage) => {
      (request.socket as LaneSocket)[this.#connectionKey]?.onParsed(request);
    });
  }

  /**
   * Returns the function to call when Nest has answered the poll. It lets the next polls use the
   * lane.
   */
  observe(granted: GrantedRead): (raw: ServerResponse) => void {
    const arrival: Arrival = { granted, atMs: this.#context.clock.monotonic() };
    return (raw) => {
      this.#learn(raw, arrival);
    };
  }

  #learn(raw: ServerResponse, arrival: Arrival): void {
    const socket = raw.req.socket as LaneSocket;
    if (this.#isPlain(raw)) {
      const connection = (socket[this.#connectionKey] ??= new LaneConnection(socket, this));
      connection.learn(raw, arrival, headerLines(applicationHeaders(raw)));
    } else socket[this.#connectionKey]?.forget();
  }

  onPoll(connection: LaneConnection, grant: Grant, cursor: string): void {
    const { feed, clock } = this.#context;
    const { arrival } = grant;
    const nowMs = clock.monotonic();
    const after = this.#isValid(arrival, nowMs) ? this.#position(cursor) : undefined;
    if (after === undefined) {
      connection.passThrough();
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

  /** True if the lane can write this answer as Nest wrote it. */
  #isPlain(raw: ServerResponse): boolean {
    return (
      isHttp1(raw) &&
      raw.sendDate &&
      !isWrapped(raw) &&
      !EXCLUDED_HEADERS.some((name) => raw.hasHeader(name)) &&
      (raw.req.headers.connection ?? 'keep-alive') === 'keep-alive' &&
      !this.server.maxRequestsPerSocket
    );
  }

  /**
   * True if the grant has not expired and its subscriber was not revoked after the access check.
   */
  #isValid({ granted, atMs }: Arrival, nowMs: number): boolean {
    const { feed, settings } = this.#context;
    const { subscriber, revocations, expiresInMs } = granted;
    const lastsMs = Math.min(settings.directLane.grantMs, expiresInMs);
    return nowMs < atMs + lastsMs && !feed.isRevoked({ subscriber, revocations });
  }

  /** Builds the read for a poll that repeats a granted one. */
  #request({ granted, atMs }: Arrival, after: LogPosition, nowMs: number): FeedRequest {
    const { topics, subscriber, address, rights, asked, expiresInMs, revocations } = granted;
    const waitMs = Math.min(asked.waitMs, atMs + expiresInMs - nowMs);
    const bytesMax = this.#context.unread.pollBytes;
    return { topics, after, limit: asked.limit, bytesMax, waitMs, subscriber, address, rights, revocations };
  }

  #position(cursor: string): LogPosition | undefined {
    const { cursors, feed } = this.#context;
    return cursors.open(cursor, feed.window.epoch);
  }
}

/** Creates the lane if `directLane.grantMs` is above 0. Otherwise the value is undefined. */
export const directLaneProvider: Provider = {
  provide: DIRECT_LANE,
  inject: [CONTEXT, HttpAdapterHost],
  useFactory: (context: ReadContext, adapterHost: HttpAdapterHost) =>
    context.settings.directLane.grantMs > 0 ? new DirectLane(context, adapterHost) : undefined,
};

function applicationHeaders(raw: ServerResponse) {
  // Node.js documents this method only for requests, but responses have it too.
  const names = (raw as ServerResponse & Pick<ClientRequest, 'getRawHeaderNames'>).getRawHeaderNames();
  return names
    .filter((name) => !OWN_HEADERS.includes(name.toLowerCase()))
    .map((name) => [name, raw.getHeader(name) ?? ''] as const);
}
