import { describe, expect, test } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { memoryStore, NotificationsModule } from 'nest-notifications';
import type { Store } from 'nest-notifications/store';
import { NotificationsHealthIndicator } from 'nest-notifications/terminus';
import { forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { request } from '../support/http/connection.js';
import { holdPoll, poll } from '../support/http/feed.js';
import { until } from '../support/time/until.js';

/** The drain delay. It is long enough for two requests on a busy machine. */
const DELAY_MS = 2_000;

@Controller('ready')
class ReadyController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(NotificationsHealthIndicator) private readonly notifications: NotificationsHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  ready() {
    return this.health.check([() => this.notifications.isReady()]);
  }
}

forEachAdapter((adapter) => {
  describe('readiness', () => {
    let store: Store;
    const start = (): Promise<TestApp> =>
      startApp(adapter, {
        imports: [
          NotificationsModule.forRoot({
            access: 'public',
            shutdown: { delayMs: DELAY_MS },
            store: async (runtime) => (store = await memoryStore()(runtime)),
          }),
          TerminusModule.forRoot({ logger: false }),
        ],
        controllers: [ReadyController],
        providers: [NotificationsHealthIndicator],
      });
    const ready = (app: TestApp) => request(app, { path: '/ready' });

    test('is false during the drain delay, in which requests are served until all waiters end', async () => {
      const app = await start();
      const up = await ready(app);
      expect([up.status, up.json]).toMatchObject([200, { status: 'ok' }]);
      const held = await holdPoll(app, 'topic=a');
      const closed = app.close();
      const down = await ready(app);
      expect([down.status, down.json]).toMatchObject([
        503,
        { error: { notifications: { status: 'down', reason: 'draining' } } },
      ]);
      expect((await poll(app, 'topic=a&wait=0')).status).toBe(200);
      expect((await held.response()).header('connection')).toBe('close');
      await closed;
    });

    test('returns the lag of the node as the detail `lagMs`', async () => {
      const module = NotificationsModule.forRoot({
        access: 'public',
        store: async (runtime) => {
          const opened = await memoryStore()(runtime);
          // The tail is stuck.
          return Object.assign(opened, { tail: () => Promise.resolve({ close: () => Promise.resolve() }) });
        },
      });
      const app = await startApp(adapter, {
        imports: [module, TerminusModule.forRoot({ logger: false })],
        controllers: [ReadyController],
        providers: [NotificationsHealthIndicator],
      });
      expect((await ready(app)).json).toMatchObject({ info: { notifications: { status: 'up', lagMs: 0 } } });
      await app.service.publish('a', { type: 'x', data: 1 });
      const lagMs = async (): Promise<number> => {
        const { json } = await ready(app);
        return (json as { info: { notifications: { lagMs: number } } }).info.notifications.lagMs;
      };
      const lags: number[] = [];
      await until(async () => lags.push(await lagMs()) > 2 && lags.at(-1)! > 0);
      expect(lags).toEqual(lags.toSorted((one, other) => one - other));
    });

    test('is false when the store does not answer', async () => {
      const app = await start();
      await store.close();
      const down = await ready(app);
      expect([down.status, down.json]).toMatchObject([
        503,
        { error: { notifications: { status: 'down', reason: 'store_unavailable', lagMs: 0 } } },
      ]);
      expect(await app.service.health()).toBe('store_unavailable');
    });
  });
});
