import { catchError, defer, map, type Observable, throwError } from 'rxjs';
import type { Notification } from '../../core/notification.js';
import type { LogPage } from '../../core/page.js';
import type { Page } from '../../wire/encoder.js';
import { type PublishContext, type ReadContext, readingFor } from '../context.js';
import { inSubscriberContext } from '../http/subscriber-context.js';
import { toException } from '../notifications.exception.js';

/**
 * Converts the core's pages and errors for application code. `method` is the name of the called
 * method in error messages.
 */
export function encodedPages<N extends Notification>(
  context: PublishContext,
  method: string,
  start: (context: ReadContext) => Observable<LogPage>,
): Observable<Page<N>> {
  return defer(() => start(readingFor(method, context))).pipe(
    inSubscriberContext(),
    map((page) => context.encoder.page(page) as Page<N>),
    catchError((error: unknown) => throwError(() => toException(error))),
  );
}
