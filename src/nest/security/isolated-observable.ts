import { Logger } from '@nestjs/common';
import { Observable, type Observer, type Subscriber, type Subscription } from 'rxjs';
import { errorDetail } from './error-detail.js';

const logger = new Logger('Notifications');

type Next<T> = (value: T) => unknown;
type ObserverOrNext<T> = Partial<Observer<T>> | Next<T> | null;

/**
 * An Observable whose observers cannot end the process. RxJS rethrows an observer's error as an
 * uncaught exception. Here the error is logged instead, once for each subscription. A rejected
 * promise that an observer returns is logged too. The same is true for the result of `pipe`.
 */
export class IsolatedObservable<T> extends Observable<T> {
  override readonly pipe = ((...operators: []) => {
    const piped: Observable<T> = super.pipe(...operators);
    return new IsolatedObservable((subscriber) => piped.subscribe(subscriber));
  }) as Observable<T>['pipe'];

  override subscribe(
    observerOrNext?: ObserverOrNext<T>,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (isSubscriber(observerOrNext)) return super.subscribe(observerOrNext);
    const observer =
      typeof observerOrNext === 'function' || !observerOrNext
        ? { next: observerOrNext, error, complete }
        : observerOrNext;
    return super.subscribe(isolated(observer));
  }
}

/**
 * Operators subscribe with their own `Subscriber`, which catches errors. An application may have
 * another copy of RxJS, so `instanceof` is not enough.
 */
function isSubscriber<T>(observer: ObserverOrNext<T> | undefined): observer is Subscriber<T> {
  return typeof (observer as Partial<Subscriber<T>> | null | undefined)?.add === 'function';
}

/** The methods of an application's observer; each may be missing. */
interface Given<T> {
  readonly next?: Next<T> | null | undefined;
  readonly error?: ((error: unknown) => unknown) | null | undefined;
  readonly complete?: (() => unknown) | null | undefined;
}

function isolated<T>(observer: Given<T>): Observer<T> {
  let hasReported = false;
  const report = (error: unknown): void => {
    if (hasReported) return;
    hasReported = true;
    const message = 'A listener of an Observable of this library failed. Its further errors are not logged.';
    logger.error(message, errorDetail(error));
  };
  const guard = (call: () => unknown): void => {
    try {
      const result = call();
      if (result instanceof Promise) result.catch(report);
    } catch (error) {
      report(error);
    }
  };
  return {
    next: (value) => guard(() => observer.next?.(value)),
    error: (error) => guard(() => (observer.error ? observer.error(error) : report(error))),
    complete: () => guard(() => observer.complete?.()),
  };
}
