import { AsyncResource } from 'node:async_hooks';
import { type MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Calls observers in the async context (`AsyncLocalStorage`) of their subscription. Without this
 * operator, a page is emitted in the async context of the publisher, and application code that
 * observes the page would find the publisher's user.
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
