import { applyDecorators, QueryMethod, SetMetadata } from '@nestjs/common';
import { METHODS } from 'node:http';
import { EVENT_STREAM_TYPE } from '../../wire/protocol.js';
import { header, type HttpRequest } from '../../wire/request.js';
import type { SecurityRequest } from '../security/security-event.js';

/** The metadata key for the route of a handler. */
export const ROUTE_MARK = 'nest-notifications:route';

/**
 * The metadata key of `@RouteConfig()` in platform-fastify. Fastify exposes the value as
 * `request.routeOptions.config`.
 */
const FASTIFY_ROUTE_CONFIG = '__fastify_route_config__';

/** `read` serves polls and streams. */
export type RouteMark = 'read' | 'publish' | 'ticket' | 'retract';

/** Marks a handler, so that its requests can be recognized before they reach it. */
export function NotificationsRoute(route: RouteMark): MethodDecorator {
  return applyDecorators(SetMetadata(ROUTE_MARK, route), SetMetadata(FASTIFY_ROUTE_CONFIG, { [ROUTE_MARK]: route }));
}

/** Node.js 20.19 does not know the method. */
export const KNOWS_QUERY = METHODS.includes('QUERY');

/**
 * Adds a QUERY route if Node.js knows the method. Otherwise Express would run the middleware of the
 * route for all methods.
 */
export function QueryRoute(): MethodDecorator {
  return KNOWS_QUERY ? QueryMethod() : () => undefined;
}

/** The mark of a handler. Undefined for handlers of the application. */
export function markOf(handler: object): RouteMark | undefined {
  return Reflect.getMetadata(ROUTE_MARK, handler) as RouteMark | undefined;
}

/**
 * The route of a handler's request. A request that is rejected before it is parsed counts as a
 * stream if its `Accept` header contains the type of event streams.
 */
export function routeOf(handler: object, request: HttpRequest): SecurityRequest['route'] {
  const mark = Reflect.getMetadata(ROUTE_MARK, handler) as RouteMark;
  if (mark !== 'read') return mark;
  return header(request, 'accept')?.includes(EVENT_STREAM_TYPE) ? 'stream' : 'poll';
}
