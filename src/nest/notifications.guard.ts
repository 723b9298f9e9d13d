import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { NotificationsError } from '../core/errors.js';
import type { RecordedRetraction } from '../core/retraction.js';
import { callerKey } from '../wire/caller.js';
import { callerDigest, scopedItems, type ScopedItems } from '../wire/idempotency.js';
import { ReadRequests } from '../wire/read-requests.js';
import { parsePublishBody } from '../wire/publish.js';
import { parseRetraction } from '../wire/retract.js';
import { header, type ReadRequest } from '../wire/request.js';
import type { RetractContext } from './access/access.js';
import { isClosed } from './access/client-address.js';
import { CurrentRights } from './access/current-rights.js';
import { type Granted, type GrantedRead, storeGranted } from './access/granted.js';
import { RateLimiter } from './limits/rate-limiter.js';
import { withErrorHeaders, requestOn } from './http/error-headers.js';
import { checkJsonBody, readOf } from './http/request-body.js';
import type { FrameworkRequest, FrameworkResponse } from './http/raw-response.js';
import { revocationsAtStart } from './access/revocation-mark.js';
import { markOf, routeOf } from './http/route.decorator.js';
import type { ReadContext } from './context.js';
import { acceptedTicket } from './tickets/ticket.guard.js';
import { msUntil, TicketGrants } from './tickets/ticket-grants.js';
import { CONTEXT } from './module/tokens.js';

/** The answer of the access rules for a read. */
type Grant = Pick<GrantedRead, 'topics' | 'expiresInMs' | 'subscriber' | 'rights'>;

/**
 * Parses the request and checks the access rules. It is the last guard before the controller. The
 * application's own guards run earlier. They set properties of the request, such as `user`, which
 * the rules use.
 */
@Injectable()
export class NotificationsGuard implements CanActivate {
  readonly #context: ReadContext;
  readonly #requests: ReadRequests;
  readonly #publishRate: RateLimiter;
  readonly #tickets: TicketGrants;

  constructor(@Inject(CONTEXT) context: ReadContext) {
    const { settings, cursors, feed, clock } = context;
    const limits = { ...settings.poll, topicsMax: settings.limits.topicsMax, patterns: settings.patterns };
    this.#context = context;
    this.#requests = new ReadRequests({ limits, cursors, epoch: () => feed.window.epoch });
    this.#publishRate = new RateLimiter(clock, settings.publish.perMinuteMax);
    this.#tickets = new TicketGrants(context, this.#requests);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const [request, response] = context.getArgs<[FrameworkRequest, FrameworkResponse]>();
    const leave = (granted: Granted): true => {
      storeGranted(request, granted);
      return true;
    };
    const refuse = (error: unknown): never => {
      throw withErrorHeaders(
        error,
        response,
        requestOn(routeOf(context.getHandler(), request), request, this.#context),
      );
    };
    try {
      const granted = this.#grant(request, context.getHandler());
      return granted instanceof Promise ? granted.then(leave, refuse) : leave(granted);
    } catch (error) {
      return refuse(error);
    }
  }

  #grant(request: FrameworkRequest, handler: object): Granted | Promise<Granted> {
    const ticket = acceptedTicket(request);
    const route = markOf(handler);
    if (route === 'publish') return this.#grantPublish(request);
    if (route === 'retract') return this.#grantRetraction(request);
    if (route === 'ticket') return this.#tickets.issue(request);
    return ticket ? this.#tickets.use(request, ticket) : this.#grantRead(request);
  }

  #grantRead(request: FrameworkRequest): GrantedRead | Promise<GrantedRead> {
    const asked = this.#requests.parse(readOf(request, this.#context.settings.limits.topicsMax));
    const { topics } = asked;
    if (topics && this.#context.access.needsNoRules) {
      return this.#granted(request, asked, {
        topics,
        expiresInMs: Infinity,
        subscriber: undefined,
        rights: undefined,
      });
    }
    return this.#grantByRules(request, asked);
  }

  async #grantByRules(request: FrameworkRequest, asked: ReadRequest): Promise<GrantedRead> {
    const { settings, access, clock, security } = this.#context;
    const context = await access.context(request);
    const { subscriber } = context;
    security.identify(request, subscriber);
    const { topics, areOwn } = await access.scopeOf(context, asked.topics, {
      topicsMax: settings.limits.topicsMax,
      patterns: settings.patterns,
    });
    const expiresInMs = msUntil(await access.expiresAt(context), clock);
    const rights = access.readIsPublic && !areOwn ? undefined : new CurrentRights(access, areOwn, () => context);
    return this.#granted(request, asked, { topics, expiresInMs, subscriber, rights });
  }

  #granted(request: FrameworkRequest, asked: ReadRequest, grant: Grant): GrantedRead {
    const { topics, expiresInMs, subscriber, rights } = grant;
    const address = this.#context.clientAddress(request);
    const revocations = revocationsAtStart(request, this.#context);
    return { asked, topics, expiresInMs, subscriber, address, rights, idSuffix: '', revocations };
  }

  #checkRate(caller: string, count: number): void {
    const retryAfterMs = this.#publishRate.take(caller, count);
    if (retryAfterMs === 0) return;
    const { perMinuteMax } = this.#context.settings.publish;
    const message = `this caller publishes more than ${perMinuteMax} notifications a minute to this node (publish.perMinuteMax)`;
    throw new NotificationsError('publish_too_fast', message, { retryAfterMs });
  }

  async #grantPublish(request: FrameworkRequest): Promise<ScopedItems> {
    const { settings, access, security } = this.#context;
    const context = await access.context(request);
    security.identify(request, context.subscriber);
    // If the feed accepts no publishing at all, the request is rejected before its body is checked.
    await access.assertAllowed('publish', context, []);
    checkJsonBody(request, settings.publish.bodyBytesMax);
    const items = parsePublishBody(request.body, settings.publish);
    await access.assertAllowed('publish', context, [...new Set(items.map(({ topic }) => topic))]);
    const caller = this.#callerOf(request, context.subscriber);
    this.#checkRate(caller, items.length);
    const { subscriber: publisher } = context;
    const published = items.map((item) => ({
      ...item,
      publisher,
      ...(item.key !== undefined && { keyScope: 'publisher' as const }),
    }));
    return scopedItems(published, caller, header(request, 'idempotency-key'));
  }

  /** A retraction counts as one notification towards the rate of publishes. */
  async #grantRetraction(request: FrameworkRequest): Promise<RecordedRetraction> {
    const { access, security } = this.#context;
    const context = await access.context(request);
    security.identify(request, context.subscriber);
    // If the feed accepts no retraction at all, the request is rejected before its URL is checked.
    await access.assertAllowed('retract', context, []);
    const retraction = parseRetraction(request.originalUrl);
    await access.assertAllowed('retract', { ...context, id: retraction.id } as RetractContext, [retraction.topic]);
    const caller = this.#callerOf(request, context.subscriber);
    this.#checkRate(caller, 1);
    return { ...retraction, by: callerDigest(caller) };
  }

  #callerOf(request: FrameworkRequest, subscriber: string | undefined): string {
    const address = this.#context.clientAddress(request);
    if (subscriber === undefined && address === undefined && isClosed(request)) {
      // A closed connection has no address. Ids derive from the address. Without it, a retry would
      // get other ids.
      throw new NotificationsError('body_invalid', 'the connection closed before the request was processed');
    }
    return callerKey(subscriber, address);
  }
}
