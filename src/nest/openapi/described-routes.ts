import { Inject, Injectable } from '@nestjs/common';
import { secured } from '../../openapi/security.js';
import type { PublishContext } from '../context.js';
import type { FeedDefinition } from '../module/feeds.js';
import { CONTEXT, FEED, OPTIONS } from '../module/tokens.js';
import type { NotificationsOptions } from '../options.js';
import { describedFeedOf } from './described-feed-of.js';
import { describeHandlers, hideController } from './swagger-metadata.js';

/**
 * Describes the mounted controllers of a feed for `@nestjs/swagger`, and hides the scripts. Nest
 * creates this provider before an application makes its document, so the description has the
 * options of an asynchronous factory too.
 */
@Injectable()
export class DescribedRoutes {
  constructor(
    @Inject(FEED) { name, controller, client, description, openApi }: FeedDefinition,
    @Inject(CONTEXT) context: PublishContext,
    @Inject(OPTIONS) options: NotificationsOptions,
  ) {
    if (client) hideController(client);
    if (!controller) return;
    if (openApi === false) {
      hideController(controller);
      return;
    }
    const feed = describedFeedOf({ name, openApi, context, options });
    const { operations, schemas } = description.routes(feed);
    describeHandlers(controller, { operations: secured(operations, feed), schemas });
  }
}
