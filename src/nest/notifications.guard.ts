import { type CanActivate, type ExecutionContext, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { Clock } from '../core/clock.js';
import { NotificationsError } from '../core/errors.js';
import { utf8Length } from '../core/notification.js';
import type { Rights } from '../core/rights.js';
import { addressKey } from '../wire/address.js';
import { callerKey } from '../wire/caller.js';
import { parsePublishBody } from '../wire/publish.js';
import { checkTopics, header, type ReadRequest } from '../wire/request.js';
import type { AccessContext } from './access.js';
import type { TicketClaims } from '../wire/ticket.js';
import { scopedItems, type ScopedItems } from '../wire/idempotency.js';
import { PublishRate } from './publish-rate.js';
import type { FrameworkRequest, FrameworkResponse } from './reply.js';
import { refusal } from './refusal.js';
import { revocationsAtStart } from './revocation-mark.js';
import { ROUTE_MARK } from './route-mark.js';
import { type AcceptedTicket, acceptedTicket } from './ticket.guard.js';
import type { Runtime } from './runtime.js';
import { type Caller, callerOf } from './tight-loop.js';
import { RUNTIME } from './tokens.js';

/** A read that access has granted. */
export interface GrantedRead {
  readonly asked: ReadRequest;
  readonly topics: readonly string[];
  /** Milliseconds until the caller's credentials expire. */
  readonly expiresInMs: number;
  readonly subscriber: string | undefined;
  /** Whose requests are counted to find loops. */
  readonly caller: Caller;
  readonly address: string | undefined;
  readonly rights: Rights | undefined;
  /** What the ids of a stream carry behind the cursor. */
  readonly idSuffix: string;
  /** The client asks in a tight loop: its answer is to wait. */
  readonly isLoop: boolean;
  /** The feed's count of revocations before access was checked. */
  readonly revocations: number;
}

/** What the access rules say of a read. */
type Grant = Pick<GrantedRead, 'topics' | 'expiresInMs' | 'subscriber' | 'rights'>;

/** The content of a ticket that access has granted. */
export interface GrantedTicket {
  readonly claims: Pick<TicketClaims, 'subscriber' | 'topics' | 'endsAtMs'>;
  /** The feed's count of revocations before access was checked. */
  readonly revocations: number;
}

type Granted = GrantedRead | GrantedTicket | ScopedItems;

const GRANTED = Symbol('granted');

/** What the guard leaves on the request for the controller. */
interface GrantedRequest extends FrameworkRequest {
  [GRANTED]?: Granted;
}

/** The read that the guard has granted. */
export function grantedRead(request: FrameworkRequest): GrantedRead {
  return (request as GrantedRequest)[GRANTED] as GrantedRead;
}

/** The ticket that the guard has granted. */
export function grantedTicket(request: FrameworkRequest): GrantedTicket {
  return (request as GrantedRequest)[GRANTED] as GrantedTicket;
}

/** The items that the guard has allowed to publish. */
export function grantedItems(request: FrameworkRequest): ScopedItems {
  return (request as GrantedRequest)[GRANTED] as ScopedItems;
}

/**
 * Understands the request and asks the access rules. It is the last guard before the controller: the application's own
 * guards have run and left on the request what the rules look at.
 */
@Injectable()
export class NotificationsGuard implements CanActivate {
  readonly #runtime: Runtime;
  readonly #publishRate: PublishRate;

  constructor(@Inject(RUNTIME) runtime: Runtime) {
    this.#runtime = runtime;
    this.#publishRate = new PublishRate(runtime.clock, runtime.settings.publish.perMinuteMax);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const [request, response] = context.getArgs<[GrantedRequest, FrameworkResponse]>();
    const leave = (granted: Granted): true => {
      request[GRANTED] = granted;
      return true;
    };
    const refuse = (error: unknown): never => {
      throw refusal(error, response);
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
    const route = Reflect.getMetadata(ROUTE_MARK, handler) as unknown;
    if (route === 'publish') return this.#grantPublish(request);
    if (route === 'ticket') return this.#grantTicket(request);
    return ticket ? this.#grantTicketed(request, ticket) : this.#grantRead(request);
  }

  /** A ticket says who reads what; the rules were asked when it was given out. */
  #grantTicketed(request: FrameworkRequest, ticket: AcceptedTicket): GrantedRead {
    const { clock } = this.#runtime;
    const { claims, idSuffix, lastCursor } = ticket;
    const { method, originalUrl: url } = request;
    const headers = { ...request.headers, 'last-event-id': lastCursor };
    const asked = this.#runtime.requests.parse({ method, headers, url });
    if (asked.topics)
      throw new NotificationsError('topic_invalid', 'topic must not be given beside a ticket, which names them');
    const { subscriber, topics, endsAtMs } = claims;
    const expiresInMs = msUntil(new Date(endsAtMs), clock);
    const address = addressKey(request.ip);
    const revocations = this.#revocations(request);
    const grant = { asked, topics, expiresInMs, subscriber, address, rights: undefined, revocations };
    // Streams are not checked for loops.
    return { ...grant, caller: undefined, idSuffix, isLoop: false };
  }

  async #grantTicket(request: FrameworkRequest): Promise<GrantedTicket> {
    const { settings, access, clock, hasTickets } = this.#runtime;
    if (!hasTickets) throw new NotFoundException();
    const revocations = this.#revocations(request);
    const context = await access.context(request);
    const { subscriber } = context;
    if (subscriber === undefined) throw new NotificationsError('forbidden', 'A ticket is for a subscriber.');
    const asked = parseTicketBody(request.body);
    const topics = checkTopics(asked ?? (await access.ownTopics(context)), settings.limits.topicsMax);
    if (asked) await access.assertAllowed('read', context, topics);
    const expiresAt = await access.expiresAt(context);
    const expiresInMs = expiresAt ? msUntil(expiresAt, clock) : Infinity;
    const endsAtMs = clock.now() + Math.min(settings.tickets.lifetimeMs, expiresInMs);
    return { claims: { subscriber, topics, endsAtMs }, revocations };
  }

  #grantRead(request: FrameworkRequest): GrantedRead | Promise<GrantedRead> {
    const { method, headers, originalUrl: url } = request;
    const asked = this.#runtime.requests.parse({ method, headers, url });
    const { topics } = asked;
    if (topics && this.#runtime.access.asksNothing) {
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
    const { settings, access, clock } = this.#runtime;
    const context = await access.context(request);
    const ownTopics = async (): Promise<readonly string[]> =>
      checkTopics(await access.ownTopics(context), settings.limits.topicsMax);
    const topics = asked.topics ?? (await ownTopics());
    // A caller's own topics are granted by the rule that names them.
    if (asked.topics) await access.assertAllowed('read', context, topics);
    const expiresAt = await access.expiresAt(context);
    const expiresInMs = expiresAt ? msUntil(expiresAt, clock) : Infinity;
    const { subscriber } = context;
    return this.#granted(request, asked, { topics, expiresInMs, subscriber, rights: this.#rights(context, asked) });
  }

  #granted(request: FrameworkRequest, asked: ReadRequest, grant: Grant): GrantedRead {
    const { topics, expiresInMs, subscriber, rights } = grant;
    const address = addressKey(request.ip);
    const caller = callerOf(request, subscriber);
    const isLoop = this.#runtime.tightLoops.isLoop(caller, asked.cursor, asked.topics);
    const revocations = this.#revocations(request);
    return { asked, topics, expiresInMs, subscriber, caller, address, rights, idSuffix: '', isLoop, revocations };
  }

  #revocations(request: FrameworkRequest): number {
    return revocationsAtStart(request, this.#runtime);
  }

  #checkRate(caller: string, count: number): void {
    const retryAfterMs = this.#publishRate.take(caller, count);
    if (retryAfterMs === 0) return;
    const { perMinuteMax } = this.#runtime.settings.publish;
    const message = `more than ${perMinuteMax} notifications a minute are published to this node (publish.perMinuteMax)`;
    throw new NotificationsError('publish_too_fast', message, { retryAfterMs });
  }

  /** The rules that have granted the read, to be asked again when there is something to hand over. */
  #rights(context: AccessContext, asked: ReadRequest): Rights | undefined {
    const { access } = this.#runtime;
    if (asked.topics) {
      return access.readIsPublic ? undefined : { allowed: (topics) => access.allowed('read', context, topics) };
    }
    return {
      allowed: async (topics) => {
        const own = await access.ownTopics(context);
        return topics.filter((topic) => own.includes(topic));
      },
    };
  }

  async #grantPublish(request: FrameworkRequest): Promise<ScopedItems> {
    const { settings, access } = this.#runtime;
    const context = await access.context(request);
    // Where publishing is off altogether, that is said before anything is said of the body.
    await access.assertAllowed('publish', context, []);
    const type = header(request, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (type !== 'application/json' && !/^application\/[a-z0-9.-]+\+json$/.test(type)) {
      throw new NotificationsError('media_type_unsupported', 'Content-Type must be application/json');
    }
    checkBodyBytes(request, settings.publish.bodyBytesMax);
    const items = parsePublishBody(request.body, settings.publish);
    await access.assertAllowed('publish', context, [...new Set(items.map(({ topic }) => topic))]);
    const caller = callerKey(context.subscriber, addressKey(request.ip));
    this.#checkRate(caller, items.length);
    return scopedItems(items, caller, header(request, 'idempotency-key'));
  }
}

/** @throws NotificationsError `body_invalid`; undefined for a body that names no topics */
function parseTicketBody(body: unknown): readonly string[] | undefined {
  const topics: unknown = (body as { topics?: unknown } | null | undefined)?.topics;
  if (topics === undefined) return undefined;
  if (Array.isArray(topics) && topics.every((topic) => typeof topic === 'string')) return topics;
  throw new NotificationsError('body_invalid', 'topics must be an array of texts');
}

/** A body without a stated length has been parsed within the limits of the application's parser; then it counts as JSON. */
function checkBodyBytes(request: FrameworkRequest, bodyBytesMax: number): void {
  const stated = header(request, 'content-length');
  const bytes = stated === undefined ? utf8Length(JSON.stringify(request.body ?? null)) : Number(stated);
  if (bytes <= bodyBytesMax) return;
  throw new NotificationsError('body_too_large', `the body has ${bytes} bytes, at most ${bodyBytesMax} are allowed`);
}

/** @throws TypeError for what is no date: credentials that never expire by mistake are a fault of the rule, not a wish. */
function msUntil(date: Date, clock: Clock): number {
  const leftMs = date.getTime() - clock.now();
  if (Number.isNaN(leftMs)) throw new TypeError('access.expiresAt must answer a valid Date or undefined');
  return Math.max(0, leftMs);
}
