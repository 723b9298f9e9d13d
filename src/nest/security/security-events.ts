import { HttpException } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import type { Clock } from '../../core/clock.js';
import type { ErrorCode } from '../../core/errors.js';
import type { Observers } from '../../core/observers.js';
import type { Revocation } from '../../core/revocation.js';
import { NotificationsException, toException } from '../notifications.exception.js';
import { IsolatedObservable } from './isolated-observable.js';
import type { SecurityEvent, SecurityEventOf, SecurityRequest } from './security-event.js';
import { inSubscriberContext } from '../http/subscriber-context.js';

/**
 * The codes of errors that report an exceeded limit. Other errors with a status of 5xx are
 * failures, not security events.
 */
const LIMIT_OF: Partial<Record<ErrorCode, Limit>> = {
  waiters_too_many: 'limits.waitersMax',
  subscriber_waiters_too_many: 'limits.waitersPerSubscriberMax',
  address_waiters_too_many: 'limits.waitersPerAddressMax',
  publish_too_fast: 'publish.perMinuteMax',
  operations_too_fast: 'operations.perMinuteMax',
  tickets_too_fast: 'tickets.perMinuteMax',
};

type Limit = SecurityEventOf<'limited'>['limit'];

const SUBSCRIBER = Symbol('subscriber');

type IdentifiedRequest = Record<symbol, string | undefined>;

/** Describes a request. It is only called while events are observed. */
export type Describe = () => SecurityRequest;

/**
 * Builds the events of a feed. While nothing observes them, it builds nothing: requests are not
 * described, and the clock is not read.
 */
export class SecurityEvents {
  readonly #clock: Clock;
  readonly #observers: Observers;
  readonly #subject = new Subject<SecurityEvent>();
  /**
   * Emits in the async context of each subscription, because an event arises in the context of the
   * caller that caused it.
   */
  readonly observable: Observable<SecurityEvent>;

  constructor(clock: Clock, observers: Observers) {
    this.#clock = clock;
    this.#observers = observers;
    const events = this.#subject.pipe(inSubscriberContext());
    this.observable = new IsolatedObservable((observer) => events.subscribe(observer));
  }

  /** Keeps the subscriber of a request for an event that may follow. */
  identify(request: object, subscriber: string | undefined): void {
    if (this.#subject.observed) (request as IdentifiedRequest)[SUBSCRIBER] = subscriber;
  }

  /**
   * The subscriber of a request, if access rules or a ticket have named it while events were
   * observed.
   */
  subscriberOf(request: object): string | undefined {
    return (request as IdentifiedRequest)[SUBSCRIBER];
  }

  /** Called once for every rejected request of the feed. */
  refused(error: unknown, describe: Describe): void {
    this.#observers.refused(error);
    if (!this.#subject.observed) return;
    const exception = toException(error);
    if (!(exception instanceof HttpException)) return;
    const code = exception instanceof NotificationsException ? exception.code : undefined;
    const status = exception.getStatus();
    const limit = code && LIMIT_OF[code];
    if (!limit && (status < 400 || status >= 500)) return;
    const request = describe();
    const at = this.#now();
    if (code && limit)
      this.#subject.next({ type: 'limited', at, limit: onRoute(limit, request), code, status, ...request });
    else this.#subject.next({ type: 'refused', at, code, status, ...request });
  }

  revoked({ subscriber, topics }: Revocation): void {
    if (this.#subject.observed) this.#subject.next({ type: 'revoked', at: this.#now(), subscriber, topics });
  }

  /** A connection was closed because its client did not read. */
  cut(
    limit: SecurityEventOf<'cut'>['limit'],
    describe: () => SecurityRequest & { readonly unreadBytes: number },
  ): void {
    this.#observers.cut(limit);
    if (this.#subject.observed) this.#subject.next({ type: 'cut', at: this.#now(), limit, ...describe() });
  }

  /** The application has shut down: listeners are released. */
  complete(): void {
    this.#subject.complete();
  }

  #now(): Date {
    return new Date(this.#clock.now());
  }
}

/**
 * Requests for tickets and streams with tickets have the same error code, but different limits.
 */
function onRoute(limit: Limit, { route }: SecurityRequest): Limit {
  return limit === 'tickets.perMinuteMax' && route === 'stream' ? 'tickets.usesPerMinuteMax' : limit;
}
