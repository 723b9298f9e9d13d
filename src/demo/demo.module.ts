import { type DynamicModule, Module } from '@nestjs/common';
import { NotificationsModule } from '../index.js';
import { DemoController } from './demo.controller.js';
import { type Environment, moduleOptions, toMs } from './environment.js';
import { PULSE_EVERY_MS, PulseSource } from './pulse.source.js';

/** The application that `npm start` runs: the feed, a page that shows it, and a source that has something to say. */
@Module({ controllers: [DemoController], providers: [PulseSource] })
export class DemoModule {
  static forEnvironment(environment: Environment): DynamicModule {
    return {
      module: DemoModule,
      imports: [NotificationsModule.forRoot(moduleOptions(environment))],
      providers: [{ provide: PULSE_EVERY_MS, useValue: toMs(environment.SOURCE_SECONDS) }],
    };
  }
}
