import { Logger } from '@nestjs/common';
import { AbstractHttpAdapter } from '@nestjs/core';
import { type ErrorCode, NotificationsError } from '../../core/errors.js';
import { NotificationsException } from '../notifications.exception.js';
import type { ReadingFeed } from '../module/feeds.js';
import { withErrorHeaders, requestOn } from './error-headers.js';
import { type FrameworkRequest, type FrameworkResponse, isTaken } from './raw-response.js';
import { KNOWS_QUERY, markOf, type RouteMark, routeOf } from './route.decorator.js';
import { header } from '../../wire/request.js';
import type { ReadContext } from '../context.js';

/*
 * All changes that this library makes to the application's HTTP adapter. They use only methods that
 * every Nest adapter has, so Express, Fastify, `NodeAdapter` and third-party adapters behave alike.
 */

const logger = new Logger('Notifications');

/** Stops Nest from replying to a response that this library has taken over; see `takeOver`. */
export function leaveTakenResponses(adapter: AbstractHttpAdapter): void {
  const reply = adapter.reply.bind(adapter) as (...args: unknown[]) => unknown;
  adapter.reply = (response: FrameworkResponse, body: unknown, statusCode?: number) =>
    isTaken(response) ? undefined : reply(response, body, statusCode);
}

const REFUSALS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  400: ['body_invalid', 'the body is not valid JSON'],
  413: ['body_too_large', 'the body is larger than the application accepts'],
  415: ['media_type_unsupported', 'Content-Type must be application/json'],
};

type ErrorHandler = (error: unknown, request: FrameworkRequest, response: FrameworkResponse, next: unknown) => unknown;

/** The methods of this library's routes that have a body. */
type BodyMethod = 'POST' | 'QUERY';

/** A route of a feed whose requests have a body. */
interface BodyRoute {
  readonly method: BodyMethod;
  readonly pattern: RegExp;
  readonly handler: object;
  readonly context: ReadContext;
}

/** A request whose body the parser has rejected. */
interface ParserExchange {
  readonly request: FrameworkRequest;
  readonly response: FrameworkResponse;
  readonly route: BodyRoute;
}

/**
 * Adds a `code` to the errors of the application's body parser, on the routes of this library. The
 * parser runs before routing, so a request is recognized by the path that Nest registers for the
 * route. Call this function before Nest registers routes.
 */
export function translateParserErrors(adapter: AbstractHttpAdapter, feeds: readonly ReadingFeed[]): void {
  const routes = watchRoutes(adapter, feeds);
  if (!(adapter.setErrorHandler as unknown)) return;
  const setErrorHandler = adapter.setErrorHandler.bind(adapter) as (handler: ErrorHandler, prefix?: string) => unknown;
  adapter.setErrorHandler = (handler: ErrorHandler, prefix?: string) =>
    setErrorHandler((error, request, response, next) => {
      const path = pathOf(request.url);
      const own = routes.find(({ method, pattern }) => method === request.method && pattern.test(path));
      const translated = own ? translate(error, { request, response, route: own }) : error;
      return handler(translated, request, response, next);
    }, prefix);
}

type Register = (...args: unknown[]) => unknown;

/** Collects this library's routes with a body while Nest registers them. */
function watchRoutes(adapter: AbstractHttpAdapter, feeds: readonly ReadingFeed[]): readonly BodyRoute[] {
  const routes: BodyRoute[] = [];
  const collect = (method: BodyMethod, [path, handler]: readonly unknown[]): boolean => {
    if (typeof handler !== 'function' || typeof path !== 'string') return false;
    const route = markOf(handler);
    const context = route && feedAt(path, route, feeds);
    if (context) routes.push({ method, pattern: patternOf(path), handler, context });
    return context !== undefined;
  };
  const post = adapter.post.bind(adapter) as Register;
  adapter.post = (...args: unknown[]) => {
    collect('POST', args);
    return post(...args);
  };
  if (!KNOWS_QUERY) logger.log('QUERY is not available: this version of Node.js does not know the method');
  const canQuery = isQueryAvailable(adapter);
  const query = (adapter as { query?: Register }).query;
  adapter.query = (...args: unknown[]) => {
    const isOwn = collect('QUERY', args);
    if (!isOwn || canQuery) return query?.apply(adapter, args);
    logger.log(`QUERY ${String(args[0])} is not available: the HTTP adapter does not know the method`);
    return undefined;
  };
  return routes;
}

/** An adapter may inherit the method while its server does not have it. */
function isQueryAvailable(adapter: AbstractHttpAdapter): boolean {
  const { query } = adapter as { query?: unknown };
  if (typeof query !== 'function') return false;
  if (query !== AbstractHttpAdapter.prototype.query) return true;
  return typeof adapter.getInstance<{ query?: unknown } | undefined>()?.query === 'function';
}

/**
 * The feed of a route. It is found by the end of the path, because the path may begin with a global
 * prefix or a version. Feeds that differ only in their version cannot be distinguished before
 * routing; then the first of them is returned.
 */
function feedAt(path: string, route: RouteMark, feeds: readonly ReadingFeed[]): ReadContext | undefined {
  const suffix = route === 'ticket' ? '/tickets' : '';
  const found = feeds.filter((feed) => path.endsWith(`/${feed.path}${suffix}`));
  const [longest = feeds[0]] = found.sort((one, other) => other.path.length - one.path.length);
  return longest?.context;
}

function translate(error: unknown, { request, response, route }: ParserExchange): unknown {
  const { statusCode = 0 } = error as { statusCode?: number };
  // Fastify answers a QUERY request without a media type with 400.
  const hasType = header(request, 'content-type') !== undefined;
  const known = REFUSALS[statusCode === 400 && !hasType ? 415 : statusCode];
  if (!known || error instanceof NotificationsException) return error;
  const rejected = requestOn(routeOf(route.handler, request), request, route.context);
  return withErrorHeaders(new NotificationsError(...known, { cause: error }), response, rejected);
}

/** `:name` matches one segment, `*` any number of segments, and `{…}` is an optional part. */
function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.$+?^()|[\]\\]/g, '\\$&')
    .replaceAll('{', '(?:')
    .replaceAll('}', ')?')
    .replace(/\*\w*/g, '.*')
    .replace(/:\w+/g, '[^/]+');
  return new RegExp(`^${source}/?$`, 'i');
}

function pathOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? url : url.slice(0, at);
}
