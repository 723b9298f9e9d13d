import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { type ErrorCode, NotificationsError } from '../core/errors.js';
import { NotificationsException } from './exception.js';
import { type FeedDefinition, isFirstController } from './feeds.js';
import { refusal } from './refusal.js';
import type { FrameworkRequest, FrameworkResponse } from './reply.js';
import { ROUTE_MARK } from './route-mark.js';
import { FEED } from './tokens.js';

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
  readonly #isFirst: boolean;

  constructor(
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
    @Inject(FEED) feed: FeedDefinition,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#adapterHost = adapterHost;
    this.#isFirst = isFirstController(feed, modules);
  }

  onModuleInit(): void {
    // One translation serves all feeds of the application.
    if (!this.#isFirst) return;
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

interface Marked {
  readonly [ROUTE_MARK]?: string;
}

function translate(error: unknown, response: FrameworkResponse): unknown {
  const known = REFUSALS[(error as { statusCode?: number }).statusCode ?? 0];
  if (!known || error instanceof NotificationsException) return error;
  return refusal(new NotificationsError(...known, { cause: error }), response);
}

function isPublish(request: Parameters<ErrorHandler>[1]): boolean {
  if (request.routeOptions) return (request.routeOptions.config as Marked)[ROUTE_MARK] === 'publish';
  // Express has not got to its routes yet when a body is refused.
  const { path = '', method } = request;
  const layers = request.app?.router?.stack ?? [];
  const routes = layers.filter((layer) => layer.route?.methods[method.toLowerCase()] && layer.match(path));
  const handlers = routes.flatMap(({ route }) => route?.stack.map(({ handle }) => handle) ?? []);
  return handlers.some((handler) => Reflect.getMetadata(ROUTE_MARK, handler) === 'publish');
}
