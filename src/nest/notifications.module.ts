import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  type InjectionToken,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type OnModuleInit,
  Optional,
  type Provider,
  type Type,
} from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import type { FeedObserver } from '../core/observer.js';
import type { StoreFactory } from '../core/store.js';
import type { FeedDescription } from '../openapi/described-feed.js';
import { feedChannel } from '../openapi/feed-channel.js';
import { feedRoutes } from '../openapi/feed-routes.js';
import { memoryStore } from '../stores/memory/memory-store.js';
import { leaveTakenResponses, translateParserErrors } from './http/adapter-hooks.js';
import { bundledClient } from './client-file/bundled-client.js';
import { clientFilesOf } from './client-file/client-file.js';
import { directLaneProvider } from './direct-lane/direct-lane.js';
import {
  getNotificationsOptionsToken,
  getNotificationsStoreToken,
  getNotificationsToken,
} from './module/feed-tokens.js';
import {
  checkLogs,
  checkName,
  checkPaths,
  type FeedDefinition,
  feedsIn,
  isFirstController,
  readingFeedsIn,
  contextsIn,
} from './module/feeds.js';
import { HiddenTickets } from './tickets/hidden-tickets.js';
import {
  EXTRAS,
  type Extras,
  type NotificationsModuleExtras,
  resolveExtras,
  resolveRoute,
} from './module/module-extras.js';
import { type FeedRoute, hasObservers, isObserved, mountClient, mountFeed } from './module/mounted.js';
import { NotificationsService } from './notifications.service.js';
import { beforeGuards } from './http/before-guards.js';
import type { NotificationsOptions } from './options.js';
import { AccessLoader } from './access/access-loader.js';
import { revocationsAtStart } from './access/revocation-mark.js';
import { createContext, isReading, type PublishContext } from './context.js';
import { NotificationsShutdown } from './lifecycle/shutdown.js';
import { DescribedRoutes } from './openapi/described-routes.js';
import { UnusedConnections } from './lifecycle/unused-connections.js';
import { CLIENT_FILES, CONTEXT, FEED, OBSERVER, OPTIONS } from './module/tokens.js';

/** The interface of a class for `forRootAsync({ useClass })` or `forRootAsync({ useExisting })`. */
export interface NotificationsOptionsFactory {
  /** Called once, when the application starts. */
  createNotificationsOptions(): Promise<NotificationsOptions> | NotificationsOptions;
}

/**
 * Nest's builder uses this token for all feeds. `define` replaces it with a token for each feed.
 */
export const BUILDER_TOKEN = 'nest-notifications options as given';

const { ConfigurableModuleClass, ASYNC_OPTIONS_TYPE } = new ConfigurableModuleBuilder<NotificationsOptions>({
  optionsInjectionToken: BUILDER_TOKEN,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createNotificationsOptions')
  .setExtras(EXTRAS as NotificationsModuleExtras, (definition, extras) =>
    defineFeed(definition, resolveExtras(extras), NOTIFICATIONS),
  )
  .build();

/**
 * Adds a live, lossless, resumable feed of notifications to an application. An application may have
 * several feeds, each with its own name.
 */
@Module({})
export class NotificationsModule extends ConfigurableModuleClass implements NestModule, OnModuleInit {
  readonly #feed: FeedDefinition;
  readonly #context: PublishContext;
  readonly #adapterHost: HttpAdapterHost;
  readonly #application: ApplicationConfig;
  readonly #modules: ModulesContainer;

  constructor(
    @Optional() @Inject(FEED) feed: FeedDefinition | undefined,
    @Optional() @Inject(CONTEXT) context: PublishContext | undefined,
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
    @Inject(ApplicationConfig) application: ApplicationConfig,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    super();
    if (!feed || !context) {
      const advice = 'Import NotificationsModule.forRoot(…) once, with isGlobal: true to use it in several modules';
      throw new Error(`NotificationsModule is imported without options. ${advice}`);
    }
    this.#feed = feed;
    this.#context = context;
    this.#adapterHost = adapterHost;
    this.#application = application;
    this.#modules = modules;
  }

  /** Called by Nest before it creates the routes. */
  configure(consumer: MiddlewareConsumer): void {
    const { controller, client } = this.#feed;
    checkPaths(this.#feed, this.#modules, this.#application);
    if (controller || client) leaveTakenResponses(this.#adapterHost.httpAdapter);
    if (!controller || !isReading(this.#context)) return;
    if (isFirstController(this.#feed, this.#modules)) this.#watchRequests(consumer);
    this.#context.responder.observe(isObserved(this.#application) || hasObservers(controller));
  }

  /** Called by Nest when all feeds are open. */
  async onModuleInit(): Promise<void> {
    try {
      checkLogs(this.#context, this.#modules);
    } catch (error) {
      await Promise.allSettled(contextsIn(this.#modules).map((context) => context.close()));
      throw error;
    }
  }

  /**
   * Registers one hook for all feeds. In Fastify a hook runs for every request of the application,
   * and cannot see which feed has the route.
   */
  #watchRequests(consumer: MiddlewareConsumer): void {
    const feeds = readingFeedsIn(this.#modules);
    translateParserErrors(this.#adapterHost.httpAdapter, feeds);
    const controllers = feedsIn(this.#modules).flatMap(({ controller }) => controller ?? []);
    beforeGuards({ controllers, consumer, adapter: this.#adapterHost.httpAdapter }, (request) => {
      for (const { context } of feeds) revocationsAtStart(request, context);
    });
  }

  /**
   * Adds a feed with the given options.
   *
   * The application fails to start if an option is wrong, with an error that names the option, its
   * value and the allowed values. It also fails if two feeds share a name, a path or a log.
   */
  static override forRoot(options: NotificationsOptions & NotificationsModuleExtras = {}): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * Adds a feed with options from a factory, a class or a provider: `useFactory`, `useClass` or
   * `useExisting`.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}

/**
 * The parts in which the module of a capability, such as an inbox, differs from
 * `NotificationsModule`.
 */
export interface FeedParts {
  /** Creates the controller of a feed. */
  readonly mount: (route: FeedRoute, extras: Extras) => Type;
  readonly description: FeedDescription;
  /** Further providers. `httpProviders` exist only if the feed has a controller. */
  readonly providers: readonly Provider[];
  readonly httpProviders: readonly Provider[];
  readonly exports: readonly InjectionToken[];
}

const NOTIFICATIONS: FeedParts = {
  mount: mountFeed,
  description: { routes: feedRoutes, channel: feedChannel },
  providers: [],
  httpProviders: [directLaneProvider, HiddenTickets],
  exports: [],
};

/** Defines the module of one feed. */
export function defineFeed(definition: DynamicModule, extras: Extras, parts: FeedParts): DynamicModule {
  const route = resolveRoute(extras);
  const feed: FeedDefinition = {
    ...route,
    controller: extras.controller && !extras.publishOnly ? parts.mount(route, extras) : undefined,
    client: extras.serveClient ? mountClient(route, extras) : undefined,
    description: parts.description,
    openApi: extras.openApi,
  };
  return {
    ...definition,
    global: extras.isGlobal === true,
    imports: [...new Set([...(definition.imports ?? []), ...(extras.imports ?? [])])],
    controllers: [feed.controller, feed.client].filter((controller) => controller !== undefined),
    providers: [
      ...optionsProviders(definition.providers ?? [], feed),
      ...coreProviders(feed, extras.publishOnly === true),
      ...(extras.publishOnly ? [] : [AccessLoader]),
      ...(feed.controller || feed.client ? [DescribedRoutes] : []),
      ...(feed.controller ? [UnusedConnections, ...parts.httpProviders] : []),
      ...parts.providers,
    ],
    exports: [getNotificationsToken(feed.name), ...parts.exports],
  };
}

/** The providers of the options and of the store, under the feed's own tokens. */
function optionsProviders(given: readonly Provider[], { name }: FeedDefinition): Provider[] {
  const token = getNotificationsOptionsToken(name);
  return [
    ...given.map((provider) =>
      'provide' in provider && provider.provide === BUILDER_TOKEN ? { ...provider, provide: token } : provider,
    ),
    { provide: OPTIONS, inject: [token], useFactory: withoutExtras },
    {
      provide: getNotificationsStoreToken(name),
      inject: [OPTIONS],
      useFactory: ({ store }: NotificationsOptions) => store ?? memoryStore(),
    },
  ];
}

function coreProviders(feed: FeedDefinition, publishOnly: boolean): Provider[] {
  const token = getNotificationsToken(feed.name);
  const clientFiles = { provide: CLIENT_FILES, useFactory: () => clientFilesOf(bundledClient()) };
  return [
    { provide: FEED, useValue: feed },
    ...(feed.client ? [clientFiles] : []),
    {
      provide: CONTEXT,
      // The client files are a dependency: if the client is not built, no store is opened.
      inject: [
        OPTIONS,
        getNotificationsStoreToken(feed.name),
        ModulesContainer,
        ModuleRef,
        { token: OBSERVER, optional: true },
        ...(feed.client ? [CLIENT_FILES] : []),
      ],
      useFactory: (
        options: NotificationsOptions,
        store: StoreFactory,
        modules: ModulesContainer,
        moduleRef: ModuleRef,
        observer: FeedObserver | undefined,
      ) => {
        checkName(feed, modules);
        const openStore = isReplaced(moduleRef.get(token)) ? memoryStore() : store;
        return createContext({ options, openStore, publishOnly, observer });
      },
    },
    token === NotificationsService ? NotificationsService : { provide: token, useClass: NotificationsService },
    NotificationsShutdown,
  ];
}

/**
 * True if a test has replaced the service. The configured store is not opened then, because nothing
 * publishes to it. Nest creates the prototypes of all classes before it calls factories, so the
 * check works here.
 */
function isReplaced(service: unknown): boolean {
  return !(service instanceof NotificationsService);
}

/**
 * Rejects extras in the result of a factory. They would have no effect, because the factory runs
 * after the module was defined. The options of `forRoot` contain no extras, because Nest removes
 * them.
 *
 * @throws Error that names the option
 */
function withoutExtras(options: NotificationsOptions): NotificationsOptions {
  const misplaced = Object.keys(EXTRAS).find((name) => Object.hasOwn(options, name));
  if (misplaced === undefined) return options;
  const reason = `${misplaced} belongs beside useFactory, not in its result (the same for useClass and useExisting)`;
  throw new Error(`NotificationsModule: ${reason}`);
}
