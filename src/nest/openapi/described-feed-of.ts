import type { DescribedFeed, OptionalRoute } from '../../openapi/described-feed.js';
import type { DocumentVersion } from '../../openapi/schema.js';
import { isProvided } from '../access/access.js';
import type { PublishContext } from '../context.js';
import { KNOWS_QUERY } from '../http/route.decorator.js';
import type { NotificationsOptions } from '../options.js';
import type { OpenApiSettings } from './openapi-options.js';

/** The parts of a feed that decide its description. */
export interface FeedParts {
  readonly name: string | undefined;
  readonly openApi: Omit<OpenApiSettings, 'version'> & { readonly version: DocumentVersion };
  readonly context: Pick<PublishContext, 'settings' | 'schemas'>;
  readonly options: NotificationsOptions;
}

/** The feed, as documents describe it. */
export function describedFeedOf({ name, openApi, context, options }: FeedParts): DescribedFeed {
  const { settings, schemas } = context;
  return { name, ...openApi, settings, schemas, routes: routesOf(options, openApi.version) };
}

/** The routes that answer with more than an error. */
function routesOf({ access, tickets }: NotificationsOptions, version: DocumentVersion): ReadonlySet<OptionalRoute> {
  // Rules of a class or of a provider are not known yet, so they may allow every route.
  const mayAllow = (rule: 'publish' | 'retract'): boolean =>
    isProvided(access) || (typeof access === 'object' && access[rule] !== undefined);
  const routes = new Set<OptionalRoute>();
  if (mayAllow('publish')) routes.add('publish');
  if (mayAllow('retract')) routes.add('retract');
  if (tickets) routes.add('ticket');
  // Older versions of OpenAPI do not know the method.
  if (KNOWS_QUERY && version === '3.2') routes.add('query');
  return routes;
}
