import { applyDecorators, Inject, Injectable, type OnModuleInit, SetMetadata } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type ErrorCode, NotificationsError } from '../core/errors.js';
import { CACHE_CONTROL } from '../wire/protocol.js';
import { NotificationsException } from './exception.js';
import type { FrameworkRequest, FrameworkResponse } from './reply.js';

const MARK = 'nest-notifications:publish';
/** Where `@RouteConfig()` of platform-fastify keeps what Fastify then shows as `request.routeOptions.config`. */
const FASTIFY_ROUTE_CONFIG = '__fastify_route_config__';

/** Marks the handler that publishes, so that a request can be told to be meant for it before it gets there. */
export function MarkPublish(): MethodDecorator {
  return applyDecorators(SetMetadata(MARK, true), SetMetadata(FASTIFY_ROUTE_CONFIG, { [MARK]: true }));
}

const REFUSALS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  400: ['body_invalid', 'the body is not valid JSON'],
  413: ['body_too_large', 'the body is larger than the application accepts'],
  415: ['media_type_unsupported', 'Content-Type must be application/json'],
};

type ErrorHandler = (
  error: unknown,
  request: FrameworkRequest & ExpressRouting & FastifyRouting,
  response: FrameworkResponse,
  next: unknown,
) => unknown;

/** The part of an Express request that leads to the routes of its application. */
interface ExpressRouting {
  readonly path?: string;
  readonly app?: { readonly router?: { readonly stack: readonly ExpressLayer[] } };
}

interface ExpressLayer {
  match(path: string): boolean;
  readonly route?: { readonly methods: Readonly<Record<string, boolean>>; readonly stack: { handle: object }[] };
}

/** The part of a Fastify request that says which route it was sent to. */
interface FastifyRouting {
  readonly routeOptions?: { readonly config: object };
}

/**
 * The application's body parser refuses bad bodies before any handler is reached, in words of its own and without a `code`.
 * Nest hands such errors to its exception layer through the adapter's `setErrorHandler`; those of requests that were meant
 * to publish here are put into the protocol's words on the way. Everything else passes untouched.
 */
@Injectable()
export class ParserErrors implements OnModuleInit {
  readonly #adapterHost: HttpAdapterHost;

  constructor(@Inject(HttpAdapterHost) adapterHost: HttpAdapterHost) {
    this.#adapterHost = adapterHost;
  }

  onModuleInit(): void {
    // There is none in an application context without HTTP.
    const adapter = this.#adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    if (!adapter?.setErrorHandler) return;
    const setErrorHandler = adapter.setErrorHandler.bind(adapter);
    adapter.setErrorHandler = (handler: ErrorHandler, prefix?: string) => {
      const translating: ErrorHandler = (error, request, response, next) =>
        handler(isPublish(request) ? translate(error, response) : error, request, response, next);
      return setErrorHandler(translating as () => unknown, prefix) as unknown;
    };
  }
}

function translate(error: unknown, response: FrameworkResponse): unknown {
  const refusal = REFUSALS[(error as { statusCode?: number }).statusCode ?? 0];
  if (!refusal || error instanceof NotificationsException) return error;
  response.header('Cache-Control', CACHE_CONTROL);
  return new NotificationsException(new NotificationsError(...refusal, { cause: error }));
}

function isPublish(request: Parameters<ErrorHandler>[1]): boolean {
  if (request.routeOptions) return MARK in request.routeOptions.config;
  // Express has not got to its routes yet when a body is refused.
  const { path = '', method } = request;
  const layers = request.app?.router?.stack ?? [];
  const layer = layers.find((each) => each.route?.methods[method.toLowerCase()] && each.match(path));
  const handler = layer?.route?.stack[0]?.handle;
  return handler !== undefined && Reflect.hasMetadata(MARK, handler);
}
