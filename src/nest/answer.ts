import { HttpException, HttpStatus, Logger } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import { catchError, defer, finalize, map, type Observable, of } from 'rxjs';
import type { Drained, FeedRequest } from '../core/feed.js';
import type { LogPage } from '../core/page.js';
import type { Page } from '../wire/encoder.js';
import { type FrameworkResponse, rawOf, takeOver, writeJson } from './reply.js';
import type { Runtime } from './runtime.js';

/** Writes what a waiter is told. */
export interface Writer {
  /** The response, out of the framework's hands. */
  readonly raw: ServerResponse;
  page(page: LogPage): void;
  /** @throws the exception, if Nest is to answer */
  refuse(error: unknown): void;
  /** The waiter has been left by its consumer. */
  finish?(): void;
}

/** A waiter to be, and what writes its pages. */
interface Turn {
  readonly request: FeedRequest;
  readonly writer: Writer;
  readonly drained?: Drained;
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
  readonly #application: ApplicationConfig;
  readonly #logger = new Logger('Notifications');

  constructor(runtime: Runtime, application: ApplicationConfig) {
    this.#runtime = runtime;
    this.#application = application;
  }

  answer(response: FrameworkResponse, begin: () => Turn): Answer {
    if (this.#isObserved()) return this.#observable(begin);
    if (rawOf(response).destroyed) takeOver(response);
    else this.#hold(response, begin());
    return undefined;
  }

  #isObserved(): boolean {
    const application = this.#application;
    return (
      application.getGlobalInterceptors().length > 0 ||
      application.getGlobalRequestInterceptors().length > 0 ||
      application.getGlobalFilters().length > 0 ||
      application.getGlobalRequestFilters().length > 0
    );
  }

  /** Nest subscribes to it, and unsubscribes from it when the client leaves. */
  #observable(begin: () => Turn): Observable<Page | undefined> {
    const { feed, encoder } = this.#runtime;
    return defer(() => {
      const { request, writer, drained } = begin();
      const pages = drained ? feed.follow(request, drained) : feed.poll(request);
      return pages.pipe(
        map((page) => {
          writer.page(page);
          return encoder.page(page);
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

  /** @throws the exception, if the waiter is refused at once and Nest is to answer */
  #hold(response: FrameworkResponse, { request, writer, drained }: Turn): void {
    const observer = {
      next: (page: LogPage): void => {
        writer.page(page);
      },
      error: (error: unknown): void => {
        this.#answerLate(error, response, writer);
      },
      complete: (): void => undefined,
    };
    try {
      const waiter = this.#runtime.feed.hold(request, observer, drained);
      const { raw } = writer;
      if (!raw.writableEnded) raw.on('close', () => waiter.unsubscribe());
    } catch (error) {
      writer.refuse(error);
    }
  }

  /** As Nest's own exception filter answers, which cannot be asked any more. */
  #answerLate(error: unknown, response: FrameworkResponse, writer: Writer): void {
    try {
      writer.refuse(error);
    } catch (exception) {
      const raw = takeOver(response);
      if (!(exception instanceof HttpException)) this.#logger.error(exception);
      if (raw.headersSent) raw.end();
      else writeException(raw, exception);
    }
  }
}

function writeException(raw: ServerResponse, exception: unknown): void {
  const known = exception instanceof HttpException;
  const statusCode = known ? exception.getStatus() : HttpStatus.INTERNAL_SERVER_ERROR;
  const body = known ? exception.getResponse() : 'Internal server error';
  const text = JSON.stringify(typeof body === 'string' ? { statusCode, message: body } : body);
  writeJson(raw, { text, bytes: Buffer.byteLength(text) }, { status: statusCode });
}
