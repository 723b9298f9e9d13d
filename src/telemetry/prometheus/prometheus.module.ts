import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { register, type Registry } from 'prom-client';
import type { MetricsOptions } from '../nest/metrics-options.js';
import { ObservedFeeds } from '../nest/observed-feeds.js';
import { PrometheusMetrics } from './prometheus-metrics.js';

/** Options of `NotificationsPrometheusModule.forRoot`. */
export interface PrometheusOptions extends MetricsOptions {
  /**
   * The registry that receives the metrics. They are removed from it when the application shuts
   * down.
   * @default the default registry of `prom-client`
   */
  readonly registry?: Registry | undefined;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<PrometheusOptions>().setClassMethodName('forRoot').build();

/**
 * Measures all feeds and inboxes of an application with `prom-client`. The module adds no route:
 * the application serves its registry.
 */
@Module({})
export class NotificationsPrometheusModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationShutdown
{
  readonly #options: PrometheusOptions;
  readonly #modules: ModulesContainer;
  #feeds: ObservedFeeds | undefined;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) options: PrometheusOptions,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    super();
    this.#options = options;
    this.#modules = modules;
  }

  /** Adds the metrics to a registry. Import this module once, in any module of the application. */
  static override forRoot(options: PrometheusOptions = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** Like `forRoot`, with options from a factory, a class or a provider. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /** Called by Nest when all feeds are open. */
  onModuleInit(): void {
    const { registry = register } = this.#options;
    const options = { ...this.#options, owner: 'NotificationsPrometheusModule' };
    this.#feeds = new ObservedFeeds(this.#modules, options, (feeds) => new PrometheusMetrics(registry, feeds));
  }

  /** Called by Nest. */
  onApplicationShutdown(): void {
    this.#feeds?.stop();
  }
}
