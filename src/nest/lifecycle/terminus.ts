import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { getNotificationsToken } from '../module/feed-tokens.js';
import type { NotificationsService } from '../notifications.service.js';

/**
 * A health indicator for `@nestjs/terminus`. Provide it in the module that runs the checks:
 *
 * ```ts
 * @Get('ready')
 * @HealthCheck()
 * ready() {
 *   return this.health.check([() => this.notifications.isReady()]);
 * }
 * ```
 *
 * Use it for readiness, not for liveness. A restart does not help a node that drains or whose store
 * is unavailable.
 */
@Injectable()
export class NotificationsHealthIndicator {
  readonly #moduleRef: ModuleRef;
  readonly #indicators: HealthIndicatorService;

  constructor(
    @Inject(ModuleRef) moduleRef: ModuleRef,
    @Inject(HealthIndicatorService) indicators: HealthIndicatorService,
  ) {
    this.#moduleRef = moduleRef;
    this.#indicators = indicators;
  }

  /**
   * Up if this node can serve clients. Otherwise down, with `draining` or `store_unavailable` as
   * its `reason`.
   *
   * @param key - The key of the result. Default `notifications`.
   * @param feed - The name of the feed; undefined for the feed without a name. The application must
   * have that feed.
   */
  async isReady<Key extends string = 'notifications'>(
    key: Key = 'notifications' as Key,
    feed?: string,
  ): Promise<HealthIndicatorResult<Key>> {
    const service = this.#moduleRef.get<NotificationsService>(getNotificationsToken(feed), { strict: false });
    const health = await service.health();
    const check = this.#indicators.check(key);
    return health === 'ready' ? check.up() : check.down({ reason: health });
  }
}
