import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { NotificationsService } from './notifications.service.js';

/**
 * A health indicator for `@nestjs/terminus`. Provide it where the checks are made:
 *
 * ```ts
 * @Get('ready')
 * @HealthCheck()
 * ready() {
 *   return this.health.check([() => this.notifications.isReady()]);
 * }
 * ```
 *
 * It is for readiness, not for liveness: a node that drains, or whose store is away, must not be restarted for that.
 */
@Injectable()
export class NotificationsHealthIndicator {
  readonly #service: NotificationsService;
  readonly #indicators: HealthIndicatorService;

  constructor(
    @Inject(NotificationsService) service: NotificationsService,
    @Inject(HealthIndicatorService) indicators: HealthIndicatorService,
  ) {
    this.#service = service;
    this.#indicators = indicators;
  }

  /** Up when clients should be sent to this node; otherwise down, with `draining` or `store_unavailable` as its `reason`. */
  async isReady<Key extends string = 'notifications'>(
    key: Key = 'notifications' as Key,
  ): Promise<HealthIndicatorResult<Key>> {
    const health = await this.#service.health();
    const check = this.#indicators.check(key);
    return health === 'ready' ? check.up() : check.down({ reason: health });
  }
}
