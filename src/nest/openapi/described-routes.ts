import { Inject, Injectable } from '@nestjs/common';
import type { OptionalRoute } from '../../openapi/described-feed.js';
import type { OpenApiVersion } from '../../openapi/schema.js';
import { isProvided } from '../access/access.js';
import type { PublishContext } from '../context.js';
import { KNOWS_QUERY } from '../http/route.decorator.js';
import type { FeedDefinition } from '../module/feeds.js';
import { CONTEXT, FEED, OPTIONS } from '../module/tokens.js';
import type { NotificationsOptions } from '../options.js';
import { describeHandlers, hideController } from './swagger-metadata.js';

/**
 * Describes the mounted controllers of a feed for `@nestjs/swagger`, and hides the scripts. Nest
 * creates this provider before an application makes its document, so the description has the
 * options of an asynchronous factory too.
 */
@Injectable()
export class DescribedRoutes {
  constructor(
    @Inject(FEED) { name, controller, client, description, openApi: version }: FeedDefinition,
    @Inject(CONTEXT) { settings, schemas }: PublishContext,
    @Inject(OPTIONS) options: NotificationsOptions,
  ) {
    if (client) hideController(client);
    if (!controller) return;
    if (version === false) {
      hideController(controller);
      return;
    }
    describeHandlers(
      controller,
      description.routes({ name, version, settings, schemas, routes: routesOf(options, version) }),
    );
  }
}

/** The routes that answer with more than an error. */
function routesOf({ access, tickets }: NotificationsOptions, version: OpenApiVersion): ReadonlySet<OptionalRoute> {
  const rules = typeof access === 'object' ? access : {};
  // Rules of a class or of a provider are not known yet, so they may allow every route.
  const mayAllow = (rule: 'publish' | 'retract'): boolean => isProvided(access) || rule in rules;
  const routes = new Set<OptionalRoute>();
  if (mayAllow('publish')) routes.add('publish');
  if (mayAllow('retract')) routes.add('retract');
  if (tickets) routes.add('ticket');
  // Older versions of OpenAPI do not know the method.
  if (KNOWS_QUERY && version === '3.2') routes.add('query');
  return routes;
}
