import { type ControllerOptions, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { FeedDescription } from '../../openapi/described-feed.js';
import type { ClientController } from '../client-file/client.controller.js';
import type { Epoch } from '../../core/store.js';
import { isReading, type PublishContext, type ReadContext } from '../context.js';
import type { OpenApiSettings } from '../openapi/openapi-options.js';
import { FEED, CONTEXT } from './tokens.js';

/** The definition of one feed: one import of the module. */
export interface FeedDefinition {
  readonly name: string | undefined;
  /** Without slashes at its ends. */
  readonly path: string;
  readonly version: ControllerOptions['version'] | undefined;
  /** The mounted controller; undefined if the feed has none. */
  readonly controller: Type | undefined;
  readonly client: Type<ClientController> | undefined;
  /** How documents describe the controller. */
  readonly description: FeedDescription;
  readonly openApi: OpenApiSettings | false;
}

/** All feeds of the application, in the order in which Nest found their modules. */
export function feedsIn(modules: ModulesContainer): readonly FeedDefinition[] {
  return provided(modules, FEED) as FeedDefinition[];
}

/** A feed that serves reads. */
export interface ReadingFeed {
  readonly path: string;
  readonly context: ReadContext;
}

/** The feeds with a controller. Call it when all of them are open. */
export function readingFeedsIn(modules: ModulesContainer): readonly ReadingFeed[] {
  return [...modules.values()].flatMap(({ providers }) => {
    const feed = providers.get(FEED)?.instance as FeedDefinition | undefined;
    const context = providers.get(CONTEXT)?.instance as PublishContext | undefined;
    return feed?.controller && context && isReading(context) ? [{ path: feed.path, context }] : [];
  });
}

/**
 * Whether the feed is the first one with a controller. The first one adds the hooks that serve all
 * feeds of the application.
 */
export function isFirstController({ controller }: FeedDefinition, modules: ModulesContainer): boolean {
  return controller !== undefined && feedsIn(modules).find((feed) => feed.controller)?.controller === controller;
}

/** The contexts of the feeds that are open so far. */
export function contextsIn(modules: ModulesContainer): readonly PublishContext[] {
  return provided(modules, CONTEXT) as PublishContext[];
}

/** A feed that is open, with its name. */
export interface NamedContext {
  readonly name: string | undefined;
  readonly context: PublishContext;
}

/** All feeds of the application. Call it when all of them are open. */
export function namedContextsIn(modules: ModulesContainer): readonly NamedContext[] {
  return [...modules.values()].flatMap(({ providers }) => {
    const feed = providers.get(FEED)?.instance as FeedDefinition | undefined;
    const context = providers.get(CONTEXT)?.instance as PublishContext | undefined;
    return feed && context ? [{ name: feed.name, context }] : [];
  });
}

/** Providers that are not resolved yet have no instance. */
function provided(modules: ModulesContainer, token: symbol): readonly unknown[] {
  return [...modules.values()]
    .map(({ providers }): unknown => providers.get(token)?.instance)
    .filter((instance) => instance !== undefined && instance !== null);
}

/**
 * Runs before the feed opens its store.
 * @throws Error if another feed of the application has the same name, or if both have no name
 */
export function checkName({ name }: FeedDefinition, modules: ModulesContainer): void {
  if (feedsIn(modules).filter((feed) => feed.name === name).length <= 1) return;
  const found = name === undefined ? 'two feeds have no name' : `two feeds have the name ${JSON.stringify(name)}`;
  const advice = 'To use one feed in several modules, call forRoot once with isGlobal: true';
  throw new Error(
    `NotificationsModule: ${found}. ${advice}. To add a second feed, give it another name: forRoot({ name })`,
  );
}

/**
 * @throws Error if another feed of the application answers requests on the same path and version
 */
export function checkPaths(own: FeedDefinition, modules: ModulesContainer, application: ApplicationConfig): void {
  const versioning = application.getVersioning();
  const versionsOf = ({ version = versioning?.defaultVersion }: FeedDefinition) => [version].flat();
  const overlaps = (feed: FeedDefinition): boolean => {
    const [ours, theirs] = [versionsOf(own), versionsOf(feed)];
    return !versioning || [...ours, ...theirs].includes(VERSION_NEUTRAL) || ours.some((one) => theirs.includes(one));
  };
  const routes = routesOf(own);
  for (const feed of feedsIn(modules)) {
    const shared = feed === own ? undefined : routesOf(feed).find((route) => routes.includes(route));
    if (shared === undefined || !overlaps(feed)) continue;
    throw new Error(
      `NotificationsModule: ${labelOf(own)} and ${labelOf(feed)} both serve /${shared}. Give one of them another path`,
    );
  }
}

/** @throws Error if another feed of the application has opened the same log */
export function checkLogs(own: PublishContext, modules: ModulesContainer): void {
  if (!contextsIn(modules).some((other) => other !== own && shareLog(other, own))) return;
  const problem = 'two feeds of this application use the same log, so each would deliver what the other publishes';
  const advice =
    'Give the stores different logs (redisStore: prefix, postgresStore: schema, natsStore: stream, sqliteStore: path)';
  throw new Error(`NotificationsModule: ${problem}. ${advice}`);
}

/**
 * Whether two open feeds use the same log. Some stores begin an epoch whenever they open a log. So
 * the epoch of one feed may continue the epoch of the other feed.
 */
function shareLog({ openedEpoch: a }: PublishContext, { openedEpoch: b }: PublishContext): boolean {
  const continues = (epoch: Epoch, id: string): boolean => epoch.before?.some((past) => past.id === id) === true;
  return a.id === b.id || continues(a, b.id) || continues(b, a.id);
}

/** The routes of the client's scripts, below the path of their feed. */
const CLIENT_ROUTES = ['client.js', 'client/tabs.js', 'client/inbox-element.js'];

/** In lower case, because Express ignores case. */
function routesOf({ path, controller, client }: FeedDefinition): readonly string[] {
  const base = path.toLowerCase();
  return [
    ...(controller ? [base, `${base}/tickets`] : []),
    ...(client ? CLIENT_ROUTES.map((route) => `${base}/${route}`) : []),
  ];
}

function labelOf({ name }: FeedDefinition): string {
  return name === undefined ? 'the feed without a name' : `the feed ${JSON.stringify(name)}`;
}
