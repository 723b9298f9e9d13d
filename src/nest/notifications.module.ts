import {
  type CanActivate,
  ConfigurableModuleBuilder,
  Controller,
  type ControllerOptions,
  type DynamicModule,
  Inject,
  type MiddlewareConsumer,
  Module,
  type ModuleMetadata,
  type NestModule,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { isObserved } from './answer.js';
import { readBundledClient } from './bundled-client.js';
import { ClientController } from './client.controller.js';
import { clientFileOf } from './client-file.js';
import { DirectLane } from './direct-lane.js';
import { isRepliedToByNest, letNestReply, NotificationsController } from './notifications.controller.js';
import { NotificationsGuard } from './notifications.guard.js';
import { NotificationsService } from './notifications.service.js';
import { beforeGuards } from './no-store.js';
import { type NotificationsOptions, optionError } from './options.js';
import { ParserErrors } from './parser-errors.js';
import { ProvidedAccess } from './provided-access.js';
import { revocationsAtStart } from './revocation-mark.js';
import { createRuntime, type Runtime } from './runtime.js';
import { NotificationsShutdown } from './shutdown.js';
import { TicketGuard, unlessTicket } from './ticket.guard.js';
import { CLIENT_FILE, CONTROLLER, OPTIONS, RUNTIME } from './tokens.js';

/** Options that shape the module itself; with `forRootAsync` they stand beside the factory, not in what it returns. */
export interface NotificationsModuleExtras {
  /** Makes `NotificationsService` available everywhere without importing the module again. Default false. */
  readonly isGlobal?: boolean;
  /** Mounts the built-in controller. Default true; false for an application that writes its own on the service. */
  readonly controller?: boolean;
  /** Path of the built-in controller, below global prefix and version. Default `notifications`. */
  readonly path?: string;
  /**
   * Serves `nest-notifications/client` as one ES module at `<path>/client.js`, for pages without a bundler:
   * `import { connect } from '/notifications/client.js'`. To everybody, as no `<script>` sends credentials in headers; guards of the whole
   * application apply. Default false.
   */
  readonly serveClient?: boolean;
  /** Guards of the built-in controller, run before `access` is asked. Default none. */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[];
  /** Version of the built-in controller, as in `@Controller({ version })`. */
  readonly version?: ControllerOptions['version'] | undefined;
  /** Modules that the guards' own dependencies come from. */
  readonly imports?: ModuleMetadata['imports'];
}

/** Written by a class given to `forRootAsync({ useClass })` or `({ useExisting })`. */
export interface NotificationsOptionsFactory {
  createNotificationsOptions(): Promise<NotificationsOptions> | NotificationsOptions;
}

type Extras = Required<NotificationsModuleExtras>;

const EXTRAS: Extras = {
  isGlobal: false,
  controller: true,
  path: 'notifications',
  serveClient: false,
  guards: [],
  version: undefined,
  imports: [],
};

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<NotificationsOptions>({ moduleName: 'Notifications' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createNotificationsOptions')
    .setExtras(EXTRAS as NotificationsModuleExtras, (definition, extras) =>
      define(definition, { ...EXTRAS, ...extras }),
    )
    .build();

/** Adds a live, lossless, resumable feed of notifications to an application. */
@Module({})
export class NotificationsModule extends ConfigurableModuleClass implements NestModule {
  readonly #controller: Type<NotificationsController> | undefined;
  readonly #adapterHost: HttpAdapterHost;
  readonly #application: ApplicationConfig;
  readonly #runtime: Runtime;

  constructor(
    @Inject(CONTROLLER) controller: Type<NotificationsController> | undefined,
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
    @Inject(ApplicationConfig) application: ApplicationConfig,
    @Inject(RUNTIME) runtime: Runtime,
  ) {
    super();
    this.#controller = controller;
    this.#adapterHost = adapterHost;
    this.#application = application;
    this.#runtime = runtime;
  }

  /** Called by Nest, before it makes the routes. */
  configure(consumer: MiddlewareConsumer): void {
    if (!this.#controller) return;
    const mounted = { controller: this.#controller, consumer, adapter: this.#adapterHost.httpAdapter };
    beforeGuards(mounted, (request) => revocationsAtStart(request, this.#runtime.feed));
    this.#runtime.isObserved = isObserved(this.#application);
    if (this.#runtime.isObserved) letNestReply(this.#controller);
    this.#runtime.nestReplies = isRepliedToByNest(this.#controller);
  }

  /**
   * Adds the feed with options known now.
   *
   * The application fails to start with an error that names the option, its value and what is allowed when one is wrong.
   */
  static override forRoot(options: NotificationsOptions & NotificationsModuleExtras = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** Adds the feed with options from a factory, a class or a provider: `useFactory`, `useClass` or `useExisting`. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}

function define(definition: DynamicModule, extras: Extras): DynamicModule {
  const given: unknown = extras.path;
  const path = typeof given === 'string' ? given.replace(/^\/+|\/+$/g, '') : '';
  if (!path) throw optionError('path', given, 'must be a path that is not empty');
  const controller = extras.controller ? mount(path, extras) : undefined;
  return {
    ...definition,
    global: extras.isGlobal,
    imports: [...new Set([...(definition.imports ?? []), ...(extras.imports ?? [])])],
    controllers: [...(controller ? [controller] : []), ...(extras.serveClient ? [mountClient(path, extras)] : [])],
    providers: [
      ...(definition.providers ?? []),
      { provide: CONTROLLER, useValue: controller },
      { provide: OPTIONS, inject: [MODULE_OPTIONS_TOKEN], useFactory: withoutExtras },
      { provide: RUNTIME, inject: [OPTIONS], useFactory: createRuntime },
      ProvidedAccess,
      NotificationsService,
      NotificationsShutdown,
      ...(controller ? [ParserErrors, DirectLane] : []),
      ...(extras.serveClient
        ? [{ provide: CLIENT_FILE, useFactory: async () => clientFileOf(await readBundledClient()) }]
        : []),
    ],
    exports: [NotificationsService],
  };
}

/**
 * Nest takes the extras out of what `forRoot` is given. One that is left was returned by a factory, which runs after the
 * module has been defined: it would have no effect.
 *
 * @throws Error that names the option
 */
function withoutExtras(options: NotificationsOptions): NotificationsOptions {
  const misplaced = Object.keys(EXTRAS).find((name) => Object.hasOwn(options, name));
  if (misplaced === undefined) return options;
  const reason = `${misplaced} belongs beside useFactory, not in its result (the same for useClass and useExisting)`;
  throw new Error(`NotificationsModule: ${reason}`);
}

/** A controller class of its own for every module, since path and guards are written onto the class. */
function mount(path: string, { guards, version }: Extras): Type<NotificationsController> {
  class MountedNotificationsController extends NotificationsController {}
  routed(path, version)(MountedNotificationsController);
  UseGuards(TicketGuard, ...guards.map(unlessTicket), NotificationsGuard)(MountedNotificationsController);
  return MountedNotificationsController;
}

function mountClient(path: string, { version }: Extras): Type<ClientController> {
  class MountedClientController extends ClientController {}
  routed(path, version)(MountedClientController);
  return MountedClientController;
}

function routed(path: string, version: Extras['version']): ClassDecorator {
  return Controller({ path, ...(version !== undefined && { version }) });
}
