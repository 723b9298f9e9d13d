import { Controller, Delete, Get, Inject, Post, Req, Res } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { jittered } from '../core/backoff.js';
import type { Feed } from '../core/feed.js';
import type { FeedHistoryRequest, FeedRequest } from '../core/feed-request.js';
import { race } from '../core/race.js';
import type { Page } from '../wire/encoder.js';
import { type GrantedRead, grantedItems, grantedRead, grantedRetraction, grantedTicket } from './access/granted.js';
import type { ReadContext } from './context.js';
import type { DirectLane } from './direct-lane/direct-lane.js';
import { startOf } from './feed-request.js';
import { withErrorHeaders, requestOn } from './http/error-headers.js';
import { JsonResponse } from './http/json-response.js';
import {
  type FrameworkRequest,
  type FrameworkResponse,
  takeOver,
  writeEmpty,
  writeHeadOnly,
  writeValue,
} from './http/raw-response.js';
import { ANSWERED, type Responder } from './http/responder.js';
import { NotificationsRoute, QueryRoute } from './http/route.decorator.js';
import { SseResponse } from './http/sse-response.js';
import { CONTEXT, DIRECT_LANE } from './module/tokens.js';
import { type Published, Publisher } from './publishing/publisher.js';
import { newTicket, type Ticket } from './tickets/new-ticket.js';

/**
 * The HTTP routes of a feed: `GET` or `QUERY /notifications` as a long poll, as an event stream and
 * as a page of the history, `POST /notifications`, and `DELETE /notifications/:id`. Before a
 * handler runs, the guards have parsed the request and checked its access.
 *
 * The responses are written by `JsonResponse` and `SseResponse`. Interceptors may observe pages (to
 * log, count or time them) or answer instead of the handler. Because of `passthrough`, Nest then
 * sends the interceptor's answer. Nest does not reply if this library has taken over the response.
 */
@Controller()
export class NotificationsController {
  readonly #context: ReadContext;
  readonly #feed: Feed;
  readonly #responder: Responder;
  readonly #publisher: Publisher;
  readonly #directLane: DirectLane | undefined;

  constructor(@Inject(CONTEXT) context: ReadContext, @Inject(DIRECT_LANE) directLane: DirectLane | undefined) {
    this.#context = context;
    this.#feed = context.feed;
    this.#responder = context.responder;
    this.#publisher = new Publisher(context);
    this.#directLane = directLane;
  }

  @Get()
  @NotificationsRoute('read')
  read(
    @Req() request: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Observable<Page | undefined> {
    const read = grantedRead(request);
    if (request.method === 'HEAD') return answerHead(response, read);
    const { before, transport } = read.asked;
    if (before !== undefined) return this.#history(read, before, response);
    return transport === 'sse' ? this.#stream(read, response) : this.#poll(read, response);
  }

  /**
   * Reads like `read`, with the parameters in the body (RFC 10008). Clients use it for topic lists
   * that are too long for a URL.
   */
  @QueryRoute()
  @NotificationsRoute('read')
  query(
    @Req() request: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Observable<Page | undefined> {
    return this.read(request, response);
  }

  /** A long poll: it waits until notifications arrive or the timeout ends. */
  #poll(read: GrantedRead, response: FrameworkResponse): Observable<Page | undefined> {
    const request = this.#pollRequest(read);
    const page$ = race(this.#feed.arrivals(request), this.#feed.timeout(request));
    const onPage = this.#directLane?.observe(read);
    return this.#responder.respond(page$, new JsonResponse(response, { read, context: this.#context, onPage }));
  }

  /**
   * A stream: it repeats what a poll does, until the client leaves or the stream's lifetime ends.
   */
  #stream(read: GrantedRead, response: FrameworkResponse): Observable<Page | undefined> {
    if (read.refusal) return this.#refuseStream(read, response);
    const start = startOf(this.#feed, read.asked.after);
    const page$ = this.#feed.follow(this.#streamRequest(read, start));
    return this.#responder.respond(page$, new SseResponse(response, { read, context: this.#context, start }));
  }

  /** A page of the history. It is answered without waiting. */
  #history(
    read: GrantedRead,
    before: FeedHistoryRequest['before'],
    response: FrameworkResponse,
  ): Observable<Page | undefined> {
    const { asked, topics, subscriber, address, rights, revocations } = read;
    const { limit } = asked;
    const bytesMax = this.#context.unread.pollBytes;
    const page$ = this.#feed.history({ topics, before, limit, bytesMax, subscriber, address, rights, revocations });
    return this.#responder.respond(page$, new JsonResponse(response, { read, context: this.#context }));
  }

  @Post()
  @NotificationsRoute('publish')
  async publish(
    @Req() request: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Promise<Published> {
    try {
      const published = await this.#publisher.publishScoped(grantedItems(request));
      writeValue(takeOver(response), published, 201);
      return published;
    } catch (error) {
      throw withErrorHeaders(error, response, requestOn('publish', request, this.#context));
    }
  }

  /** Retracts a notification. A repeat and an unknown id get the same answer. */
  @Delete(':id')
  @NotificationsRoute('retract')
  async retract(
    @Req() request: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Promise<void> {
    try {
      await this.#feed.retract(grantedRetraction(request));
      writeEmpty(takeOver(response));
    } catch (error) {
      throw withErrorHeaders(error, response, requestOn('retract', request, this.#context));
    }
  }

  /**
   * Issues a ticket. With a ticket, an EventSource that can send neither headers nor cookies opens
   * its stream.
   */
  @Post('tickets')
  @NotificationsRoute('ticket')
  ticket(@Req() request: FrameworkRequest, @Res({ passthrough: true }) response: FrameworkResponse): Ticket {
    try {
      const ticket = newTicket(grantedTicket(request), this.#context);
      writeValue(takeOver(response), ticket, 201);
      return ticket;
    } catch (error) {
      throw withErrorHeaders(error, response, requestOn('ticket', request, this.#context));
    }
  }

  #pollRequest(read: GrantedRead): FeedRequest {
    const { asked, topics, expiresInMs, subscriber, address, rights, revocations } = read;
    const { after, limit } = asked;
    const waitMs = Math.min(asked.waitMs, expiresInMs);
    const bytesMax = this.#context.unread.pollBytes;
    return { topics, after, limit, bytesMax, waitMs, subscriber, address, rights, revocations };
  }

  #streamRequest(read: GrantedRead, after: FeedRequest['after']): FeedRequest {
    const { stream } = this.#context.settings;
    const { asked, topics, expiresInMs, subscriber, address, rights, revocations } = read;
    const lifetimeMs = Math.min(jittered(stream.lifetimeMs), expiresInMs);
    const bytesMax = this.#context.unread.streamBytes;
    const { heartbeatMs: waitMs } = stream;
    return {
      topics,
      after,
      limit: asked.limit,
      bytesMax,
      waitMs,
      lifetimeMs,
      subscriber,
      address,
      rights,
      revocations,
    };
  }

  /**
   * Opens a stream and ends it. The stream sends no id. An id contains the proof that the ticket
   * was used, but this ticket may still be unused.
   */
  #refuseStream(read: GrantedRead, response: FrameworkResponse): Observable<Page | undefined> {
    const stream = new SseResponse(response, { read, context: this.#context });
    stream.begin();
    stream.error(read.refusal);
    return ANSWERED;
  }
}

function answerHead(response: FrameworkResponse, read: GrantedRead): Observable<Page | undefined> {
  writeHeadOnly(takeOver(response), read.asked.transport);
  return ANSWERED;
}
