import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { isReading } from '../context.js';
import { getNotificationsToken } from '../module/feed-tokens.js';
import { namedContextsIn } from '../module/feeds.js';
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
  readonly #modules: ModulesContainer;
  readonly #indicators: HealthIndicatorService;

  constructor(
    @Inject(ModuleRef) moduleRef: ModuleRef,
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(HealthIndicatorService) indicators: HealthIndicatorService,
  ) {
    this.#moduleRef = moduleRef;
    this.#modules = modules;
    this.#indicators = indicators;
  }

  /**
   * Up if this node can serve clients. Otherwise down, with `draining` or `store_unavailable` as
   * its `reason`.
   *
   * The detail `lagMs` is the time since a call of the store first showed an entry that this node
   * still has not received, in milliseconds. It is 0 while the node follows the log, and absent
   * with `publishOnly`. A lag does not change the result. A slow store would otherwise make all
   * nodes unready at once.
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
    const lag = this.#lagOf(feed);
    return health === 'ready' ? check.up(lag) : check.down({ reason: health, ...lag });
  }

  #lagOf(feed: string | undefined): { readonly lagMs?: number } {
    const context = namedContextsIn(this.#modules).find(({ name }) => name === feed)?.context;
    return context && isReading(context) ? { lagMs: Math.round(context.feed.lagMs) } : {};
  }
}
