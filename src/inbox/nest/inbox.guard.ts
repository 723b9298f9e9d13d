import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { NotificationsError } from '../../core/errors.js';
import type { ReadContext } from '../../nest/context.js';
import { withErrorHeaders, requestOn } from '../../nest/http/error-headers.js';
import type { FrameworkRequest, FrameworkResponse } from '../../nest/http/raw-response.js';
import { checkJsonBody } from '../../nest/http/request-body.js';
import { markOf, routeOf } from '../../nest/http/route.decorator.js';
import { RateLimiter } from '../../nest/limits/rate-limiter.js';
import { revocationsAtStart } from '../../nest/access/revocation-mark.js';
import { msUntil } from '../../nest/tickets/ticket-grants.js';
import { ReadRequests } from '../../wire/read-requests.js';
import type { Inbox } from './inbox.js';
import { storeOperation, storeRead } from './inbox-grant.js';
import { filterOf, modeOf } from './inbox-request.js';
import { INBOX } from './inbox-token.js';
import { parseOperationBody } from './operation-request.js';

/** The owner of the inbox, and the time until the credentials expire. */
interface Owner {
  readonly subscriber: string;
  readonly expiresInMs: number;
}

/**
 * Parses a request and finds its subscriber. The subscriber comes from the access rules alone, so
 * no query and no body can name another inbox. The application's own guards run earlier.
 */
@Injectable()
export class InboxGuard implements CanActivate {
  readonly #inbox: Inbox;
  readonly #context: ReadContext;
  readonly #requests: ReadRequests;
  readonly #rate: RateLimiter;

  constructor(@Inject(INBOX) inbox: Inbox) {
    const { settings, cursors, feed, clock } = inbox.context;
    const limits = { ...settings.poll, topicsMax: settings.limits.topicsMax };
    this.#inbox = inbox;
    this.#context = inbox.context;
    this.#requests = new ReadRequests({ limits, cursors, epoch: () => feed.window.epoch });
    this.#rate = new RateLimiter(clock, inbox.settings.operations.perMinuteMax);
  }

  async canActivate(context: ExecutionContext): Promise<true> {
    const [request, response] = context.getArgs<[FrameworkRequest, FrameworkResponse]>();
    const handler = context.getHandler();
    try {
      const isOperation = markOf(handler) === 'publish';
      await (isOperation ? this.#grantOperation(request) : this.#grantRead(request));
      return true;
    } catch (error) {
      throw withErrorHeaders(error, response, requestOn(routeOf(handler, request), request, this.#context));
    }
  }

  async #grantRead(request: FrameworkRequest): Promise<void> {
    const revocations = revocationsAtStart(request, this.#context);
    const { method, headers, originalUrl: url } = request;
    const asked = this.#requests.parse({ method, headers, url });
    const mode = modeOf({ method, headers, url }, asked);
    const filter = filterOf({ method, headers, url }, mode);
    const { subscriber, expiresInMs } = await this.#ownerOf(request);
    const topics = await this.#inbox.topicsOf(subscriber);
    const { personal, records, broadcasts } = topics;
    // A client that does not wait wants everything that exists now, for example to continue with
    // events that another node has delivered.
    if (mode === 'poll' && asked.waitMs === 0) await this.#inbox.checkReceived([personal, records, ...broadcasts]);
    const read = {
      asked,
      topics: [personal, records, ...broadcasts].sort(),
      expiresInMs,
      subscriber,
      address: this.#context.clientAddress(request),
      rights: this.#inbox.rightsOf(subscriber, topics),
      idSuffix: '',
      revocations,
    };
    storeRead(request, { subscriber, mode, list: { ...filter, limit: asked.limit }, read, topics });
  }

  async #grantOperation(request: FrameworkRequest): Promise<void> {
    const { settings, clock } = this.#context;
    const revocations = revocationsAtStart(request, this.#context);
    const { subscriber } = await this.#ownerOf(request);
    checkJsonBody(request, settings.publish.bodyBytesMax);
    this.#checkRate(subscriber, 1);
    const openCursor = (text: string) => this.#inbox.openCursor(text);
    const operation = parseOperationBody(request.body, { nowMs: clock.now(), openCursor });
    const address = this.#context.clientAddress(request);
    // The request has taken one token already.
    const charge = (tokens: number): void => this.#checkRate(subscriber, tokens, 1);
    storeOperation(request, { subscriber, request: operation, caller: { address, revocations, charge } });
  }

  /** @throws NotificationsError `forbidden` for a caller without a subscriber */
  async #ownerOf(request: FrameworkRequest): Promise<Owner> {
    const { access, clock, security } = this.#context;
    const context = await access.context(request);
    const { subscriber } = context;
    security.identify(request, subscriber);
    if (subscriber === undefined) throw new NotificationsError('forbidden', 'Access to the inbox is refused.');
    return { subscriber, expiresInMs: msUntil(await access.expiresAt(context), clock) };
  }

  /** @throws NotificationsError `operations_too_fast` */
  #checkRate(subscriber: string, tokens: number, held = 0): void {
    const retryAfterMs = this.#rate.take(subscriber, tokens, held);
    if (retryAfterMs === 0) return;
    const { perMinuteMax } = this.#inbox.settings.operations;
    const message = `more than ${perMinuteMax} operations a minute on this node (operations.perMinuteMax)`;
    throw new NotificationsError('operations_too_fast', message, { retryAfterMs });
  }
}
