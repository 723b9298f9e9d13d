import type { ApplicationConfig } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import { catchError, defer, finalize, map, type Observable, of } from 'rxjs';
import type { Feed, FeedRequest } from '../../core/feed.js';
import type { LogPage } from '../../core/page.js';
import type { PageConsumer, Turns } from '../../core/page-consumer.js';
import type { Page } from '../../wire/encoder.js';
import { exceptionAnswer } from '../notifications.exception.js';
import type { GrantedRead } from '../access/granted.js';
import { type FrameworkResponse, rawOf, takeOver, writeText } from './raw-response.js';
import type { Runtime } from '../context.js';
import { inSubscriberContext } from './subscriber-context.js';

/** Writes what a waiter is told. */
export interface Writer {
  /** The response, out of the framework's hands. */
  readonly raw: ServerResponse;
  /** @param cursor what interceptors see, if there are any */
  page(page: LogPage, cursor?: string): void;
  /** Resolves when the kernel has taken the last page, or the connection has closed; undefined if it has already. */
  drained(): Promise<void> | undefined;
  /** @throws the exception, if Nest is to answer */
  refuse(error: unknown): void;
  /** The waiter has been left by its consumer. */
  finish?(): void;
}

/** A waiter to be, and what writes its pages. */
export interface Exchange {
  readonly request: FeedRequest;
  readonly writer: Writer;
  readonly turns: Turns;
}

/** What a handler returns: undefined if the answer is written without Nest. */
export type Answer = Observable<Page | undefined> | undefined;

/**
 * Answers requests with what a waiter is told. Where the application has interceptors or exception filters, through an Observable, so that
 * they see pages and errors go by. Where nobody looks, what Nest and RxJS keep for that would be most of what a held request costs (a third of its
 * memory, and two thirds of the time to answer it): there the waiter writes its pages itself, with the same bytes.
 */
export class Answerer {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  answer(response: FrameworkResponse, begin: () => Exchange): Answer {
    if (this.#runtime.isObserved) return this.#observable(begin);
    if (rawOf(response).destroyed) takeOver(response);
    else hold(this.#runtime.feed, begin());
    return undefined;
  }

  /** Nest subscribes to it, and unsubscribes from it when the client leaves. */
  #observable(begin: () => Exchange): Observable<Page | undefined> {
    const { feed, encoder } = this.#runtime;
    return defer(() => {
      const { request, writer, turns } = begin();
      const drained = (): Promise<void> | undefined => writer.drained();
      const pages = turns === 'many' ? feed.follow(request, drained) : feed.poll(request, drained);
      return pages.pipe(
        inSubscriberContext(),
        map((page) => {
          const seen = encoder.page(page);
          writer.page(page, seen.cursor);
          return seen;
        }),
        catchError((error: unknown) => {
          writer.refuse(error);
          return of(undefined);
        }),
        // Also where an interceptor has enough of a stream, or an exception filter writes what nobody can read any more.
        finalize(() => writer.finish?.()),
      );
    });
  }
}

/** What a poll that access has granted asks of the feed. */
export function pollOf(granted: GrantedRead, { unread }: Runtime): FeedRequest {
  const { asked, topics, expiresInMs, subscriber, address, rights, revocations } = granted;
  const { after, limit } = asked;
  const waitMs = Math.min(asked.waitMs, expiresInMs);
  return { topics, after, limit, bytesMax: unread.pollBytes, waitMs, subscriber, address, rights, revocations };
}

/** Whether the application has interceptors or exception filters of its own, which are to see what is answered. */
export function isObserved(application: ApplicationConfig): boolean {
  return (
    application.getGlobalInterceptors().length > 0 ||
    application.getGlobalRequestInterceptors().length > 0 ||
    application.getGlobalFilters().length > 0 ||
    application.getGlobalRequestFilters().length > 0
  );
}

/**
 * Answers without Nest: the waiter writes its pages itself, and is released when the response is closed.
 *
 * @throws the exception, if the waiter is refused at once and Nest is to answer
 */
function hold(feed: Feed, { request, writer, turns }: Exchange): void {
  try {
    const waiter = feed.hold(request, new HeldAnswer(writer), turns);
    const { raw } = writer;
    if (raw.writableEnded) return;
    raw.on('close', () => waiter.unsubscribe());
    // A response that waits behind others on its connection has no socket yet, and does not hear that the connection closes.
    if (!raw.socket) raw.req.on('close', () => raw.req.socket.destroyed && waiter.unsubscribe());
  } catch (error) {
    writer.refuse(error);
  }
}

/** What a waiter that is held without an Observable tells. */
class HeldAnswer implements PageConsumer {
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  next(page: LogPage): void {
    this.#writer.page(page);
  }

  drained(): Promise<void> | undefined {
    return this.#writer.drained();
  }

  /** As Nest's own exception filter answers, which cannot be asked any more. */
  error(error: unknown): void {
    try {
      this.#writer.refuse(error);
    } catch (exception) {
      const { raw } = this.#writer;
      const { status, text } = exceptionAnswer(exception);
      if (raw.headersSent) raw.end();
      else writeText(raw, text, status);
    }
  }

  complete(): void {
    // The writer has ended the response with the last page.
  }
}
