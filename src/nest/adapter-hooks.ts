import type { AbstractHttpAdapter } from '@nestjs/core';
import { type ErrorCode, NotificationsError } from '../core/errors.js';
import { NotificationsException } from './exception.js';
import { refusal } from './refusal.js';
import { type FrameworkRequest, type FrameworkResponse, isTaken } from './reply.js';
import { ROUTE_MARK } from './route-mark.js';

/*
 * Everything that this library changes on the application's HTTP adapter. Only methods that every adapter of Nest has are used, so that Express,
 * Fastify, `NodeAdapter` and adapters of others behave alike.
 */

/** Nest does not reply where this library has taken the response over; see `takeOver`. */
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

/**
 * Gives the errors of the application's body parser a `code`, on the routes of this library. The parser runs before any route, so the routes
 * are recognised by the path that Nest registers them with. Call it before Nest registers routes.
 */
export function translateParserErrors(adapter: AbstractHttpAdapter): void {
  const paths = watchRoutes(adapter);
  if (!(adapter.setErrorHandler as unknown)) return;
  const setErrorHandler = adapter.setErrorHandler.bind(adapter) as (handler: ErrorHandler, prefix?: string) => unknown;
  adapter.setErrorHandler = (handler: ErrorHandler, prefix?: string) =>
    setErrorHandler((error, request, response, next) => {
      const isOwn = request.method === 'POST' && paths.some((path) => path.test(pathOf(request.url)));
      return handler(isOwn ? translate(error, response) : error, request, response, next);
    }, prefix);
}

/** The paths of this library's POST routes, as they are registered. */
function watchRoutes(adapter: AbstractHttpAdapter): readonly RegExp[] {
  const paths: RegExp[] = [];
  const post = adapter.post.bind(adapter) as (...args: unknown[]) => unknown;
  adapter.post = (...args: unknown[]) => {
    const [path, handler] = args;
    const isOwn = typeof handler === 'function' && Reflect.hasMetadata(ROUTE_MARK, handler);
    if (isOwn && typeof path === 'string') paths.push(patternOf(path));
    return post(...args);
  };
  return paths;
}

function translate(error: unknown, response: FrameworkResponse): unknown {
  const known = REFUSALS[(error as { statusCode?: number }).statusCode ?? 0];
  if (!known || error instanceof NotificationsException) return error;
  return refusal(new NotificationsError(...known, { cause: error }), response);
}

/** `:name` stands for one segment, `*` for any number, `{…}` for a part that may be missing. */
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
