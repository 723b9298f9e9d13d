import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { NotificationsError } from '../../core/errors.js';
import { EVENT_STREAM_TYPE } from '../../wire/protocol.js';
import { header } from '../../wire/request.js';
import { provenCursor } from '../../wire/ticket.js';
import { redactRequest, ticketOf } from './hidden-tickets.js';
import { type OpenedTicket, openOwnTicket } from './opened-ticket.js';
import { withErrorHeaders, requestOn } from '../http/error-headers.js';
import type { FrameworkRequest, FrameworkResponse } from '../http/raw-response.js';
import { markOf, routeOf } from '../http/route.decorator.js';
import type { ReadContext } from '../context.js';
import { CONTEXT } from '../module/tokens.js';

/** A ticket that has been accepted. */
export interface AcceptedTicket extends OpenedTicket {
  /** The position from which its stream resumes; undefined for its first use. */
  readonly lastCursor: string | undefined;
}

const TICKET = Symbol('ticket');
/** The largest difference between the clocks of nodes. */
export const CLOCKS_APART_MS_MAX = 60_000;

interface TicketRequest extends FrameworkRequest {
  [TICKET]?: AcceptedTicket;
}

/** The ticket that authorized this request. */
export function acceptedTicket(request: FrameworkRequest): AcceptedTicket | undefined {
  return (request as TicketRequest)[TICKET];
}

/**
 * Whether a request reads the feed with a ticket instead of the caller's credentials. A guard of
 * the whole application must allow such a request. Otherwise the request never reaches this module,
 * which checks the ticket:
 *
 * ```ts
 * canActivate(context: ExecutionContext) {
 *   return isTicketRequest(context) || this.checkToken(context);
 * }
 * ```
 *
 * True for the feed's own route only.
 */
export function isTicketRequest(context: ExecutionContext): boolean {
  const handler = context.getHandler() as object;
  if (markOf(handler) !== 'read') return false;
  return ticketOf(context.getArgByIndex<FrameworkRequest>(0)) !== undefined;
}

/**
 * The first guard. It reads the ticket of a request and removes it from the URL. A ticket opens one
 * stream. After its first use it is accepted only with that stream's last event id, which contains
 * a proof that is in no URL. `TicketGrants` checks revocations, access rules and the first use.
 */
@Injectable()
export class TicketGuard implements CanActivate {
  readonly #context: ReadContext;

  constructor(@Inject(CONTEXT) context: ReadContext) {
    this.#context = context;
  }

  canActivate(context: ExecutionContext): boolean {
    // `switchToHttp()` creates three functions for each call. In the two guards they take half a KB
    // per request.
    const [request, response] = context.getArgs<[TicketRequest, FrameworkResponse]>();
    const ticket = ticketOf(request);
    if (ticket === undefined) return true;
    redactRequest(request);
    try {
      request[TICKET] = this.#read(ticket, request);
    } catch (error) {
      throw withErrorHeaders(
        error,
        response,
        requestOn(routeOf(context.getHandler(), request), request, this.#context),
      );
    }
    return true;
  }

  #read(ticket: string, request: FrameworkRequest): AcceptedTicket {
    const { claim, clock, settings, security } = this.#context;
    const opened = claim ? openOwnTicket(this.#context, ticket) : undefined;
    const isStream = request.method === 'GET' && header(request, 'accept')?.includes(EVENT_STREAM_TYPE) === true;
    if (!opened || !isStream) {
      throw new NotificationsError(
        'ticket_invalid',
        'the ticket is invalid, or the request is not for an event stream',
      );
    }
    const nowMs = clock.now();
    const { claims, idSuffix } = opened;
    security.identify(request, claims.subscriber);
    const lastEventId = header(request, 'last-event-id');
    const lastCursor = lastEventId ? provenCursor(lastEventId, idSuffix) : undefined;
    if (nowMs >= (lastCursor === undefined ? Math.min(claims.useByMs, claims.endsAtMs) : claims.endsAtMs)) {
      throw new NotificationsError('ticket_expired', 'the ticket has expired; ask for a new one');
    }
    // The store remembers the first use for a limited time. If a clock was set back, the ticket
    // would stay valid for longer than that, and could be used again.
    if (lastCursor === undefined && claims.useByMs - nowMs > settings.tickets.ttlMs + CLOCKS_APART_MS_MAX) {
      throw new NotificationsError('ticket_expired', "the ticket was issued in the future; check the servers' clocks");
    }
    return { claims, idSuffix, lastCursor };
  }
}
