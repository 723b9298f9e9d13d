import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../core/clock.js';
import type { PublishItem } from '../core/draft.js';
import { NotificationsError } from '../core/errors.js';
import { CACHE_CONTROL } from '../wire/protocol.js';
import { parsePublishBody } from '../wire/publish.js';
import { checkTopics, header, parseReadRequest, type ReadRequest, type RequestContext } from '../wire/request.js';
import { type AccessContext, assertAllowed } from './access.js';
import { toException } from './exception.js';
import { idempotentItems } from '../wire/idempotency.js';
import type { FrameworkRequest, FrameworkResponse } from './reply.js';
import type { Runtime } from './runtime.js';
import { RUNTIME } from './tokens.js';

/** A read that access has granted. */
export interface GrantedRead extends ReadRequest {
  readonly topics: readonly string[];
  /** Milliseconds until the caller's credentials expire. */
  readonly expiresInMs: number;
}

const GRANTED = Symbol('granted');

/** What the guard leaves on the request for the controller. */
interface GrantedRequest extends FrameworkRequest {
  [GRANTED]?: GrantedRead | readonly PublishItem[];
}

/** The read that the guard has granted. */
export function grantedRead(request: FrameworkRequest): GrantedRead {
  return (request as GrantedRequest)[GRANTED] as GrantedRead;
}

/** The items that the guard has allowed to publish. */
export function grantedItems(request: FrameworkRequest): readonly PublishItem[] {
  return (request as GrantedRequest)[GRANTED] as readonly PublishItem[];
}

/**
 * Understands the request and asks the access rules. It is the last guard before the controller: the application's own
 * guards have run and left on the request what the rules look at.
 */
@Injectable()
export class NotificationsGuard implements CanActivate {
  readonly #runtime: Runtime;
  readonly #parsing: RequestContext;

  constructor(@Inject(RUNTIME) runtime: Runtime) {
    const { settings, cursors, feed } = runtime;
    this.#runtime = runtime;
    this.#parsing = {
      limits: { ...settings.poll, topicsMax: settings.limits.topicsMax },
      openCursor: (text) => cursors.open(text, feed.window.epoch),
    };
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<GrantedRequest>();
    // Set first, so that refusals carry it too.
    http.getResponse<FrameworkResponse>().header('Cache-Control', CACHE_CONTROL);
    try {
      request[GRANTED] = request.method === 'POST' ? await this.#grantPublish(request) : await this.#grantRead(request);
    } catch (error) {
      throw toException(error);
    }
    return true;
  }

  async #grantRead(request: FrameworkRequest): Promise<GrantedRead> {
    const { settings, access, clock } = this.#runtime;
    const { method, headers, originalUrl: url } = request;
    const parsed = parseReadRequest({ method, headers, url }, this.#parsing);
    const context: AccessContext = { request };
    const topics = parsed.topics ?? checkTopics((await access.topics?.(context)) ?? [], settings.limits.topicsMax);
    // A caller's own topics are granted by the rule that names them.
    if (parsed.topics) await assertAllowed(access, 'read', { context, topics });
    const expiresAt = await access.expiresAt?.(context);
    return { ...parsed, topics, expiresInMs: expiresAt ? msUntil(expiresAt, clock) : Infinity };
  }

  async #grantPublish(request: FrameworkRequest): Promise<readonly PublishItem[]> {
    const { settings, access } = this.#runtime;
    const context: AccessContext = { request };
    // Where publishing is off altogether, that is said before anything is said of the body.
    await assertAllowed(access, 'publish', { context, topics: [] });
    const type = header(request, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (type !== 'application/json' && !/^application\/[a-z0-9.-]+\+json$/.test(type)) {
      throw new NotificationsError('media_type_unsupported', 'Content-Type must be application/json');
    }
    const items = parsePublishBody(request.body, settings.publish);
    await assertAllowed(access, 'publish', { context, topics: [...new Set(items.map(({ topic }) => topic))] });
    return idempotentItems(items, header(request, 'idempotency-key'));
  }
}

/** @throws TypeError for what is no date: credentials that never expire by mistake are a fault of the rule, not a wish. */
function msUntil(date: Date, clock: Clock): number {
  const leftMs = date.getTime() - clock.now();
  if (Number.isNaN(leftMs)) throw new TypeError('access.expiresAt must answer a valid Date or undefined');
  return Math.max(0, leftMs);
}
