import { AsyncResource } from 'node:async_hooks';
import { type MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Calls observers in the async context (`AsyncLocalStorage`) of their subscription. A page is emitted in the context of the caller that
 * published, and application code that observes it would take that caller's user for its own.
 */
export function inSubscriberContext<T>(): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((observer) => {
      const subscription = new AsyncResource('NotificationsObserver');
      return source.subscribe({
        next: (value) => {
          subscription.runInAsyncScope(() => {
            observer.next(value);
          });
        },
        error: (error: unknown) => {
          subscription.runInAsyncScope(() => {
            observer.error(error);
          });
        },
        complete: () => {
          subscription.runInAsyncScope(() => {
            observer.complete();
          });
        },
      });
    });
}
