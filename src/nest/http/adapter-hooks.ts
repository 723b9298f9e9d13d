import type { AbstractHttpAdapter } from '@nestjs/core';
import { type ErrorCode, NotificationsError } from '../../core/errors.js';
import { NotificationsException } from '../notifications.exception.js';
import type { ReadingFeed } from '../module/feeds.js';
import { withErrorHeaders, type Rejected, requestOn } from './error-headers.js';
import { type FrameworkRequest, type FrameworkResponse, isTaken } from './raw-response.js';
import { postRouteOf } from './route.decorator.js';
import type { ReadContext } from '../context.js';
import type { SecurityRequest } from '../security/security-event.js';

/*
 * All changes that this library makes to the application's HTTP adapter. They use only methods that
 * every Nest adapter has, so Express, Fastify, `NodeAdapter` and third-party adapters behave alike.
 */

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

/** A POST route of a feed. */
interface PostRoute {
  readonly pattern: RegExp;
  readonly route: SecurityRequest['route'];
  readonly context: ReadContext;
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
      const own = request.method === 'POST' ? routes.find(({ pattern }) => pattern.test(path)) : undefined;
      const rejected = own && requestOn(own.route, request, own.context);
      return handler(rejected ? translate(error, response, rejected) : error, request, response, next);
    }, prefix);
}

/** Collects this library's POST routes while Nest registers them. */
function watchRoutes(adapter: AbstractHttpAdapter, feeds: readonly ReadingFeed[]): readonly PostRoute[] {
  const routes: PostRoute[] = [];
  const post = adapter.post.bind(adapter) as (...args: unknown[]) => unknown;
  adapter.post = (...args: unknown[]) => {
    const [path, handler] = args;
    const route = typeof handler === 'function' ? postRouteOf(handler) : undefined;
    const context = route && typeof path === 'string' ? feedAt(path, route, feeds) : undefined;
    if (route && context) routes.push({ pattern: patternOf(path as string), route, context });
    return post(...args);
  };
  return routes;
}

/**
 * The feed of a route. It is found by the end of the path, because the path may begin with a global
 * prefix or a version. Feeds that differ only in their version cannot be distinguished before
 * routing; then the first of them is returned.
 */
function feedAt(path: string, route: SecurityRequest['route'], feeds: readonly ReadingFeed[]): ReadContext | undefined {
  const suffix = route === 'ticket' ? '/tickets' : '';
  const found = feeds.filter((feed) => path.endsWith(`/${feed.path}${suffix}`));
  const [longest = feeds[0]] = found.sort((one, other) => other.path.length - one.path.length);
  return longest?.context;
}

function translate(error: unknown, response: FrameworkResponse, rejected: Rejected): unknown {
  const known = REFUSALS[(error as { statusCode?: number }).statusCode ?? 0];
  if (!known || error instanceof NotificationsException) return error;
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
