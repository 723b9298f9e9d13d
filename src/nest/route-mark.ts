import { applyDecorators, SetMetadata } from '@nestjs/common';

/** Where a handler says which of the two it is. */
export const ROUTE_MARK = 'nest-notifications:route';

/** Where `@RouteConfig()` of platform-fastify keeps what Fastify then shows as `request.routeOptions.config`. */
const FASTIFY_ROUTE_CONFIG = '__fastify_route_config__';

/** Marks a handler, so that a request can be told to be meant for it before it gets there. */
export function MarkRoute(route: 'read' | 'publish' | 'ticket'): MethodDecorator {
  return applyDecorators(SetMetadata(ROUTE_MARK, route), SetMetadata(FASTIFY_ROUTE_CONFIG, { [ROUTE_MARK]: route }));
}
