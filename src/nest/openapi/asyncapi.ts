import { type INestApplicationContext, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import {
  type AddressedChannel,
  asyncApiDocument,
  type AsyncApiDocument,
  type AsyncApiInfo,
} from '../../openapi/asyncapi-document.js';
import type { PublishContext } from '../context.js';
import type { FeedDefinition } from '../module/feeds.js';
import { CONTEXT, FEED, OPTIONS } from '../module/tokens.js';
import type { NotificationsOptions } from '../options.js';
import { describedFeedOf } from './described-feed-of.js';

export type { AsyncApiDocument, AsyncApiInfo } from '../../openapi/asyncapi-document.js';

/**
 * Makes an AsyncAPI 3.1 document of all feeds and inboxes of an application: their event streams
 * as channels, and the schemas of the declared types. Feeds with `openApi: false` are left out.
 *
 * ```ts
 * const app = await NestFactory.create(AppModule);
 * const document = asyncApiOf(app, { title: 'Shop', version: '1.0.0' });
 * ```
 *
 * @param app - The application. Call it after `setGlobalPrefix` and `enableVersioning`.
 * @param info - Title and version of the application, and its servers.
 */
export function asyncApiOf(app: INestApplicationContext, info: AsyncApiInfo): AsyncApiDocument {
  const modules = app.get(ModulesContainer, { strict: false });
  const application = app.get(ApplicationConfig, { strict: false });
  const channels = [...modules.values()].flatMap(({ providers }): readonly AddressedChannel[] => {
    const feed = providers.get(FEED)?.instance as FeedDefinition | undefined;
    if (!feed?.controller || feed.openApi === false) return [];
    const { name, description } = feed;
    const openApi = { ...feed.openApi, version: 'asyncapi' } as const;
    const context = providers.get(CONTEXT)?.instance as PublishContext;
    const options = providers.get(OPTIONS)?.instance as NotificationsOptions;
    const channel = description.channel(describedFeedOf({ name, openApi, context, options }));
    return addressesOf(feed, application).map((address, index) => ({
      address,
      channel: index === 0 ? channel : { ...channel, id: `${channel.id}${index + 1}` },
    }));
  });
  return asyncApiDocument(info, channels);
}

/** The paths of a feed: one for each version in the path. */
function addressesOf({ path, version }: FeedDefinition, application: ApplicationConfig): readonly string[] {
  const versioning = application.getVersioning();
  const prefix = application.getGlobalPrefix();
  const join = (...parts: readonly string[]): string => `/${parts.filter(Boolean).join('/')}`.replace(/\/{2,}/g, '/');
  if (versioning?.type !== VersioningType.URI) return [join(prefix, path)];
  const versions = [version ?? versioning.defaultVersion ?? VERSION_NEUTRAL].flat();
  const before = versioning.prefix === false ? '' : (versioning.prefix ?? 'v');
  return versions.map((one) => join(prefix, one === VERSION_NEUTRAL ? '' : `${before}${String(one)}`, path));
}
