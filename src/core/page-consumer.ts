import type { Observer } from 'rxjs';
import type { LogPage } from './page.js';

/** Resolves when the consumer has taken a page; undefined if it has already. */
export type Drained = (page: LogPage) => Promise<void> | undefined;

/** Receives the pages of a waiter. */
export interface PageConsumer extends Observer<LogPage> {
  /** Without it every page is taken when it is received. */
  readonly drained?: Drained;
}

/** A poll ends with its first page; a stream has many. */
export type Turns = 'one' | 'many';

/** Emits the last page. A consumer with `drained` holds the waiter's slot until it has taken the page: `release` is called then. */
export function emitLast(consumer: PageConsumer, page: LogPage, release: () => void): void {
  let taken: Promise<void> | undefined;
  try {
    consumer.next(page);
    taken = consumer.drained?.(page);
  } finally {
    if (taken) taken.then(release, release);
    else if (consumer.drained) release();
  }
  consumer.complete();
}
