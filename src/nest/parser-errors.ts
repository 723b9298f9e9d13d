import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type ErrorCode, NotificationsError } from '../core/errors.js';
import { NotificationsException } from './exception.js';
import { CACHE_CONTROL } from '../wire/protocol.js';
import type { FrameworkRequest, FrameworkResponse } from './reply.js';
import { PATH } from './tokens.js';

const CODE_OF: Readonly<Record<number, ErrorCode>> = {
  400: 'body_invalid',
  413: 'body_too_large',
  415: 'media_type_unsupported',
};

const MESSAGE_OF: Readonly<Record<number, string>> = {
  400: 'The body is not valid JSON.',
  413: 'The body is larger than the application accepts.',
  415: 'Content-Type must be application/json',
};

type ErrorHandler = (error: unknown, request: FrameworkRequest, response: FrameworkResponse, next: unknown) => unknown;

/**
 * The application's body parser refuses bad bodies before any route is reached, in words of its own and without a `code`.
 * Nest hands such errors to its exception layer through the adapter's `setErrorHandler`; for publishes to this module they
 * are put into the protocol's words on the way. Everything else passes untouched.
 */
@Injectable()
export class ParserErrors implements OnModuleInit {
  readonly #adapterHost: HttpAdapterHost;
  readonly #path: string;

  constructor(@Inject(HttpAdapterHost) adapterHost: HttpAdapterHost, @Inject(PATH) path: string) {
    this.#adapterHost = adapterHost;
    this.#path = path;
  }

  onModuleInit(): void {
    // There is none in an application context without HTTP.
    const adapter = this.#adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    if (!adapter?.setErrorHandler) return;
    const setErrorHandler = adapter.setErrorHandler.bind(adapter);
    adapter.setErrorHandler = (handler: ErrorHandler, prefix?: string) =>
      setErrorHandler(
        ((error, request, response, next) =>
          handler(
            this.#translate(error, request, response),
            request,
            response,
            next,
          )) satisfies ErrorHandler as () => unknown,
        prefix,
      ) as unknown;
  }

  #translate(error: unknown, request: FrameworkRequest, response: FrameworkResponse): unknown {
    const path = request.originalUrl.split('?', 1)[0]?.replace(/\/$/, '') ?? '';
    const { statusCode = 0 } = error as { statusCode?: number };
    const code = CODE_OF[statusCode];
    if (request.method !== 'POST' || !path.endsWith(`/${this.#path}`) || !code) return error;
    response.header('Cache-Control', CACHE_CONTROL);
    return new NotificationsException(new NotificationsError(code, MESSAGE_OF[statusCode] ?? '', { cause: error }));
  }
}
