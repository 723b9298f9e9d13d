import { Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { catchError, finalize, map, type Observable, of, throwError } from 'rxjs';
import { NotificationsError } from '../core/errors.js';
import type { LogPosition } from '../core/page.js';
import { pageBody } from '../wire/encoder.js';
import type { ReadRequest } from '../wire/request.js';
import { newTicketId, sealTicket, TICKET_LENGTH_MAX } from '../wire/ticket.js';
import { type Answer, Answerer, pollOf } from './http/responder.js';
import { DirectLane } from './direct-lane/direct-lane.js';
import { type GrantedRead, grantedItems, grantedRead, grantedTicket } from './access/granted.js';
import { type Published, Publisher } from './publishing/publisher.js';
import { PollWriter } from './http/json-response.js';
import {
  type FrameworkRequest,
  type FrameworkResponse,
  takeOver,
  writeHeadOnly,
  writeJson,
  writeValue,
} from './http/raw-response.js';
import { describeRead, grantedOne, refusal, requestOn } from './http/error-headers.js';
import { MarkRoute } from './http/route.decorator.js';
import type { Runtime } from './context.js';
import { jittered, StreamWriter } from './http/sse-response.js';
import { SAME_CURSOR_WINDOW_MS } from './limits/tight-loop.js';
import { RUNTIME } from './module/tokens.js';

/** The answer to `POST <path>/tickets`. */
export interface Ticket {
  readonly ticket: string;
  /** Until when it must be used first, as in ISO 8601. */
  readonly expiresAt: string;
}

/**
 * The HTTP side: `GET /notifications` as long poll and as server-sent events, and `POST /notifications`.
 *
 * This library writes the answers of the handlers itself, so that an interceptor which wraps or serializes responses cannot change the
 * protocol. Interceptors may observe answers (log, count, time), or answer in the handler's place. (`passthrough` lets Nest reply in that case;
 * it does not reply where the handler has taken the response over.)
 */
@Controller()
export class NotificationsController {
  readonly #runtime: Runtime;
  readonly #publisher: Publisher;
  readonly #answerer: Answerer;
  readonly #directLane: DirectLane;

  constructor(@Inject(RUNTIME) runtime: Runtime, @Inject(DirectLane) directLane: DirectLane) {
    this.#runtime = runtime;
    this.#publisher = new Publisher(runtime);
    this.#answerer = new Answerer(runtime);
    this.#directLane = directLane;
  }

  @Get()
  @MarkRoute('read')
  read(@Req() request: FrameworkRequest, @Res({ passthrough: true }) response: FrameworkResponse): Answer {
    const granted = grantedRead(request);
    if (request.method === 'HEAD') {
      writeHeadOnly(takeOver(response), granted.asked.transport);
      return of(undefined);
    }
    if (granted.refusal) return this.#sendAway(granted, granted.refusal, response);
    if (granted.isLoop) return this.#slowDown(granted, response);
    return granted.asked.transport === 'sse' ? this.#stream(granted, response) : this.#poll(granted, response);
  }

  @Post()
  @MarkRoute('publish')
  async publish(
    @Req() request: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Promise<Published> {
    try {
      const published = await this.#publisher.publishScoped(grantedItems(request));
      writeValue(takeOver(response), published, 201);
      return published;
    } catch (error) {
      throw refusal(error, response, requestOn('publish', request, this.#runtime));
    }
  }

  /**
   * Issues a ticket, with which an EventSource that can send neither headers nor cookies opens its
   * stream.
   */
  @Post('tickets')
  @MarkRoute('ticket')
  ticket(@Req() request: FrameworkRequest, @Res({ passthrough: true }) response: FrameworkResponse): Ticket {
    const { feed, settings, clock, keys } = this.#runtime;
    const { epoch, head: position } = feed.window;
    const { claims, revocations } = grantedTicket(request);
    // The ticket is checked against revocations after `position`. Those that came before it, while access was checked, count here.
    if (feed.isRevoked(claims.subscriber, revocations)) {
      const error = new NotificationsError('draining', 'Access changed while the request was processed; retry.');
      throw refusal(error, response, requestOn('ticket', request, this.#runtime));
    }
    const useByMs = Math.min(clock.now() + settings.tickets.ttlMs, claims.endsAtMs);
    const ticket = sealTicket(keys.sealing(epoch), { ...claims, id: newTicketId(), position, useByMs });
    if (ticket.length > TICKET_LENGTH_MAX) {
      const message = `a ticket for these topics has ${ticket.length} characters, at most ${TICKET_LENGTH_MAX} fit into a URL`;
      const error = new NotificationsError('topics_too_many', message);
      throw refusal(error, response, requestOn('ticket', request, this.#runtime));
    }
    const given = { ticket, expiresAt: new Date(useByMs).toISOString() };
    writeValue(takeOver(response), given, 201);
    return given;
  }

  /**
   * Answers a client that asks in a tight loop with an empty page after a second. Its cursor stays
   * valid.
   */
  #slowDown(granted: GrantedRead, response: FrameworkResponse): Observable<undefined> {
    const { subscriber, address } = granted;
    const { transport, cursor } = granted.asked;
    let isRefused = false;
    const waits = {
      topics: [],
      after: 'latest',
      limit: 1,
      waitMs: SAME_CURSOR_WINDOW_MS,
      subscriber,
      address,
    } as const;
    return this.#runtime.feed.poll(waits).pipe(
      map((page) => {
        const raw = takeOver(response);
        if (transport === 'poll') writeJson(raw, pageBody(page, cursor ?? ''));
        else {
          const writer = new StreamWriter(raw, this.#runtime, granted);
          writer.open(cursor);
          writer.sendAway();
        }
        return undefined;
      }),
      catchError((error: unknown) => {
        isRefused = true;
        return throwError(() => refusal(error, response, grantedOne(granted, this.#runtime)));
      }),
      // Also when the client leaves before its answer.
      finalize(() => {
        if (!isRefused) this.#runtime.security.slowed(() => describeRead(granted));
      }),
    );
  }

  /** Ends a stream at its start. It gives no id, because the ticket may not be spent. */
  #sendAway(granted: GrantedRead, reason: NotificationsError, response: FrameworkResponse): Answer {
    const writer = new StreamWriter(takeOver(response), this.#runtime, granted);
    writer.open(undefined);
    writer.refuse(reason);
    return undefined;
  }

  #poll(granted: GrantedRead, response: FrameworkResponse): Answer {
    return this.#answerer.answer(response, () => ({
      request: pollOf(granted, this.#runtime),
      turns: 'one',
      writer: new PollWriter(response, this.#runtime, granted, this.#learning(granted)),
    }));
  }

  /** What makes the next poll like this one take the direct lane. */
  #learning(granted: GrantedRead): ((raw: ServerResponse) => void) | undefined {
    if (!this.#directLane.isOpen) return undefined;
    const arrival = this.#directLane.arrival(granted);
    return (raw) => {
      this.#directLane.learn(raw, arrival);
    };
  }

  #stream(granted: GrantedRead, response: FrameworkResponse): Answer {
    const { stream } = this.#runtime.settings;
    const { topics, subscriber, address, rights, revocations } = granted;
    const { limit } = granted.asked;
    const raw = takeOver(response);
    return this.#answerer.answer(response, () => {
      const after = this.#streamStart(granted.asked.after);
      const writer = new StreamWriter(raw, this.#runtime, granted);
      writer.open(this.#openingCursor(after));
      const lifetimeMs = Math.min(jittered(stream.lifetimeMs), granted.expiresInMs);
      const waitMs = stream.heartbeatMs;
      const bytesMax = this.#runtime.unread.streamBytes;
      const request = { topics, after, limit, bytesMax, waitMs, lifetimeMs, subscriber, address, rights, revocations };
      return { request, writer, turns: 'many' };
    });
  }

  /** A stream names its start in the first block, so it has to know it before the feed does. */
  #streamStart(after: ReadRequest['after']): LogPosition | 'earliest' {
    const { epoch, head } = this.#runtime.feed.window;
    return after === 'latest' ? { epochId: epoch.id, position: head } : after;
  }

  #openingCursor(after: LogPosition | 'earliest'): string | undefined {
    const { epoch } = this.#runtime.feed.window;
    if (after === 'earliest') return this.#runtime.encoder.seal(epoch, 0);
    // A cursor of another log stays with the client until the gap that it leads to has arrived.
    return after.epochId === epoch.id && !after.afterLoss
      ? this.#runtime.encoder.seal(epoch, after.position)
      : undefined;
  }
}
