import { NotFoundException } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.js';
import { NotificationsError } from '../../core/errors.js';
import type { Rights } from '../../core/rights.js';
import { STATUS_OF } from '../../wire/errors.js';
import type { ReadRequests } from '../../wire/read-requests.js';
import { checkTopics } from '../../wire/request.js';
import { parseTicketBody, type TicketClaims } from '../../wire/ticket.js';
import { CurrentRights } from '../access/current-rights.js';
import type { GrantedRead, GrantedTicket } from '../access/granted.js';
import { RateLimiter } from '../limits/rate-limiter.js';
import type { FrameworkRequest } from '../http/raw-response.js';
import { revocationsAtStart } from '../access/revocation-mark.js';
import type { ReadContext } from '../context.js';
import { type AcceptedTicket, CLOCKS_APART_MS_MAX } from './ticket.guard.js';

/** The number of used tickets that a node remembers, in about 1 MiB. */
const SPENT_MAX = 10_000;

/** Checks the access of callers that request a ticket, and of streams that a ticket opens. */
export class TicketGrants {
  readonly #context: ReadContext;
  readonly #requests: ReadRequests;
  readonly #issueRate: RateLimiter;
  readonly #useRate: RateLimiter;
  /** The ids of used tickets. A copy of one of them takes nothing from the rate of its owner. */
  readonly #spent = new LRUCache<string, true>({ max: SPENT_MAX });

  constructor(context: ReadContext, requests: ReadRequests) {
    const { clock, settings } = context;
    this.#context = context;
    this.#requests = requests;
    this.#issueRate = new RateLimiter(clock, settings.tickets.perMinuteMax);
    this.#useRate = new RateLimiter(clock, settings.tickets.usesPerMinuteMax);
  }

  async issue(request: FrameworkRequest): Promise<GrantedTicket> {
    const { settings, access, clock, claim, security } = this.#context;
    if (!claim) throw new NotFoundException();
    const revocations = revocationsAtStart(request, this.#context);
    const context = await access.context(request);
    const { subscriber } = context;
    security.identify(request, subscriber);
    if (subscriber === undefined)
      throw new NotificationsError(
        'forbidden',
        'only a caller with a subscriber can request a ticket; see access.subscriber',
      );
    checkRate(
      this.#issueRate,
      subscriber,
      `this subscriber requests more than ${settings.tickets.perMinuteMax} tickets a minute (tickets.perMinuteMax)`,
    );
    const named = parseTicketBody(request.body);
    const { patterns, limits } = settings;
    const { topicsMax } = limits;
    const checked = named && checkTopics(named, topicsMax, patterns);
    const { topics, areOwn } = await access.scopeOf(context, checked, { topicsMax, patterns });
    const expiresInMs = msUntil(await access.expiresAt(context), clock);
    const endsAtMs = clock.now() + Math.min(settings.tickets.lifetimeMs, expiresInMs);
    return { claims: { subscriber, topics, areOwn, endsAtMs }, revocations };
  }

  async use(request: FrameworkRequest, { claims, idSuffix, lastCursor }: AcceptedTicket): Promise<GrantedRead> {
    const { method, originalUrl: url } = request;
    const headers = { ...request.headers, 'last-event-id': lastCursor };
    const asked = this.#requests.parse({ method, headers, url });
    if (asked.topics)
      throw new NotificationsError(
        'topic_invalid',
        'topic is not allowed with a ticket, because the ticket names the topics',
      );
    const { subscriber, topics } = claims;
    const revocations = revocationsAtStart(request, this.#context);
    const read = {
      asked,
      subscriber,
      address: this.#context.clientAddress(request),
      revocations,
    };
    if (lastCursor === undefined && this.#spent.has(claims.id)) throw spentTicket();
    try {
      const grant = await this.#grantUse(claims);
      // This is the last check, so that a rejected stream does not use the ticket.
      if (lastCursor === undefined) await this.#spend(claims);
      return { ...read, ...grant, topics, idSuffix };
    } catch (error) {
      if (!isTemporary(error)) throw error;
      return { ...read, topics: [], expiresInMs: 0, rights: undefined, idSuffix: '', refusal: error };
    }
  }

  async #grantUse(claims: TicketClaims): Promise<Pick<GrantedRead, 'expiresInMs' | 'rights'>> {
    const { access, clock, feed, settings } = this.#context;
    const { subscriber } = claims;
    checkRate(
      this.#useRate,
      subscriber,
      `this subscriber opens more than ${settings.tickets.usesPerMinuteMax} streams a minute with tickets (tickets.usesPerMinuteMax)`,
    );
    if (await feed.hasRevocationAfter(subscriber, claims.position)) {
      throw new NotificationsError('ticket_invalid', 'the ticket has been revoked; ask for a new one');
    }
    const context = await access.contextFor(subscriber);
    if (!context) throw new NotificationsError('forbidden', 'The subscriber of the ticket no longer exists.');
    // Another node may have issued the ticket, with other patterns.
    checkTopics(claims.topics, claims.topics.length, settings.patterns);
    await access.assertReadable(context, claims);
    const endsAt = msUntil(new Date(claims.endsAtMs), clock);
    const expiresInMs = Math.min(endsAt, msUntil(await access.expiresAtWithoutRequest(context), clock));
    return { expiresInMs, rights: this.#rights(claims) };
  }

  #rights({ subscriber, areOwn }: TicketClaims): Rights | undefined {
    const { access } = this.#context;
    if (access.readIsPublic && !areOwn && !access.checksSubscribers) return undefined;
    return new CurrentRights(access, areOwn, () => access.contextFor(subscriber));
  }

  async #spend({ id, useByMs }: TicketClaims): Promise<void> {
    const { claim, clock, observers } = this.#context;
    // Another node accepts the ticket until its own clock reaches `useByMs`.
    const ttlMs = Math.ceil(Math.max(0, useByMs - clock.now())) + CLOCKS_APART_MS_MAX;
    const isFirst = await claim?.(`ticket-${id}`, ttlMs);
    this.#spent.set(id, true);
    if (!isFirst) throw spentTicket();
    observers.performed({ capability: 'tickets', operation: 'use' });
  }
}

function spentTicket(): NotificationsError {
  return new NotificationsError('ticket_spent', 'the ticket has been used; ask for a new one');
}

/** Milliseconds until a time; Infinity if there is none. */
export function msUntil(date: Date | undefined, clock: Clock): number {
  return date ? Math.max(0, date.getTime() - clock.now()) : Infinity;
}

function checkRate(rate: RateLimiter, subscriber: string, message: string): void {
  const retryAfterMs = rate.take(subscriber, 1);
  if (retryAfterMs > 0) throw new NotificationsError('tickets_too_fast', message, { retryAfterMs });
}

/** Whether the same request may succeed later. */
function isTemporary(error: unknown): error is NotificationsError {
  return error instanceof NotificationsError && [429, 503].includes(STATUS_OF[error.code]);
}
