import { Inject, Injectable } from '@nestjs/common';
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
    @Inject(FEED) { name, controller, client, description, openApi: version }: FeedDefinition,
    @Inject(CONTEXT) context: PublishContext,
    @Inject(OPTIONS) options: NotificationsOptions,
  ) {
    if (client) hideController(client);
    if (!controller) return;
    if (version === false) {
      hideController(controller);
      return;
    }
    describeHandlers(controller, description.routes(describedFeedOf({ name, version, context, options })));
  }
}
