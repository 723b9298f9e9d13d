import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { type MeterProvider, metrics } from '@opentelemetry/api';
import type { MetricsOptions } from '../nest/metrics-options.js';
import { ObservedFeeds } from '../nest/observed-feeds.js';
import { OpenTelemetryMetrics } from './opentelemetry-metrics.js';

/** The name of the meter. */
const METER = 'nest-notifications';

/** Options of `NotificationsOpenTelemetryModule.forRoot`. */
export interface OpenTelemetryOptions extends MetricsOptions {
  /** The provider of the meter. @default the global provider, when the application starts */
  readonly meterProvider?: MeterProvider | undefined;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<OpenTelemetryOptions>().setClassMethodName('forRoot').build();

/**
 * Measures all feeds and inboxes of an application with OpenTelemetry. It uses the API only: the
 * application chooses the SDK and its exporter, and starts the SDK before Nest.
 */
@Module({})
export class NotificationsOpenTelemetryModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationShutdown
{
  readonly #options: OpenTelemetryOptions;
  readonly #modules: ModulesContainer;
  #feeds: ObservedFeeds | undefined;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) options: OpenTelemetryOptions,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    super();
    this.#options = options;
    this.#modules = modules;
  }

  /** Adds the instruments to a meter. Import this module once, in any module of the application. */
  static override forRoot(options: OpenTelemetryOptions = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** Like `forRoot`, with options from a factory, a class or a provider. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /** Called by Nest when all feeds are open. */
  onModuleInit(): void {
    const { meterProvider = metrics.getMeterProvider() } = this.#options;
    const meter = meterProvider.getMeter(METER);
    const options = { ...this.#options, owner: 'NotificationsOpenTelemetryModule' };
    this.#feeds = new ObservedFeeds(this.#modules, options, (feeds) => new OpenTelemetryMetrics(meter, feeds));
  }

  /** Called by Nest. */
  onApplicationShutdown(): void {
    this.#feeds?.stop();
  }
}
