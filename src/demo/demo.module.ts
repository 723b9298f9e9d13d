import { type DynamicModule, Inject, type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { InboxModule } from '../inbox/index.js';
import { NotificationsModule } from '../index.js';
import { DemoController } from './demo.controller.js';
import { type Environment, moduleOptions, toMs } from './environment.js';
import { InboxItemsController, VISITOR } from './inbox.controller.js';
import { refuseUnknownHosts } from './known-host.js';
import { PULSE_EVERY_MS, PulseSource } from './pulse.source.js';

const HOST = Symbol('host');

/**
 * The application that `npm start` runs: the feed, an inbox, a page that shows both, and a source
 * that publishes samples.
 */
@Module({ controllers: [DemoController, InboxItemsController], providers: [PulseSource] })
export class DemoModule implements NestModule {
  readonly #host: string;

  constructor(@Inject(HOST) host: string) {
    this.#host = host;
  }

  static forEnvironment(environment: Environment): DynamicModule {
    return {
      module: DemoModule,
      imports: [
        NotificationsModule.forRoot({ ...moduleOptions(environment), serveClient: true }),
        // The inbox has its own log, so the many samples of the feed cannot evict its items. This
        // log is in memory, and ends with the process.
        InboxModule.forRoot({ access: { subscriber: () => VISITOR }, serveClient: true }),
      ],
      providers: [
        { provide: PULSE_EVERY_MS, useValue: toMs(environment.SOURCE_SECONDS) },
        { provide: HOST, useValue: environment.HOST },
      ],
    };
  }

  /** Called by Nest. */
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(refuseUnknownHosts(this.#host)).forRoutes('{*path}');
  }
}
