import {
  type CanActivate,
  ConfigurableModuleBuilder,
  type ControllerOptions,
  type DynamicModule,
  Module,
  type ModuleMetadata,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { OriginGuard } from '../../nest/access/origin.guard.js';
import { isReading, type PublishContext } from '../../nest/context.js';
import { controllerAt, decorate, type FeedRoute, nameController } from '../../nest/module/mounted.js';
import { type Extras, resolveExtras } from '../../nest/module/module-extras.js';
import { CONTEXT, OBSERVER } from '../../nest/module/tokens.js';
import { BUILDER_TOKEN, defineFeed, type FeedParts, NotificationsModule } from '../../nest/notifications.module.js';
import type { OpenApiOptions } from '../../nest/openapi/openapi-options.js';
import { Inbox } from './inbox.js';
import { inboxChannel, inboxRoutes } from '../inbox-description.js';
import { InboxController } from './inbox.controller.js';
import { InboxGuard } from './inbox.guard.js';
import { feedOptionsOf, type InboxOptions, resolveInboxSettings } from './inbox-options.js';
import { InboxService } from './inbox.service.js';
import { INBOX } from './inbox-token.js';
import { RecordObserver } from './record-observer.js';
import { warnIfShort } from './retention-warning.js';
import { getInboxToken, INBOX_NAME } from './tokens.js';

/**
 * Options of the module itself. With `forRootAsync`, set them next to `useFactory`, not in the
 * result of the factory.
 */
export interface InboxModuleExtras {
  /** Name of the inbox and of its feed: letters, digits, `-` and `_`. @default `inbox` */
  readonly name?: string | undefined;
  /** Makes `InboxService` available in every module. Default false. */
  readonly isGlobal?: boolean | undefined;
  /** Mounts the built-in controller. Default true. */
  readonly controller?: boolean | undefined;
  /** Path of the controller, below global prefix and version. @default the name */
  readonly path?: string | undefined;
  /**
   * Serves the client as ES modules, for pages without a bundler. `<path>/client/inbox-element.js`
   * defines the element `<notification-inbox>`; `<path>/client.js` and `<path>/client/tabs.js` are
   * the client itself. All are public, because a `<script>` sends no credentials in headers.
   * Default false.
   *
   * ```html
   * <script type="module" src="/inbox/client/inbox-element.js"></script>
   * <notification-inbox url="/inbox"></notification-inbox>
   * ```
   */
  readonly serveClient?: boolean | undefined;
  /** Guards of the controller. They run before the access rules. Default none. */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[] | undefined;
  /** Class decorators of the controllers: `[SkipThrottle(), ApiTags('inbox')]`. Default none. */
  readonly decorators?: readonly ClassDecorator[] | undefined;
  /**
   * More class decorators, only for the client's scripts: `[Public()]` exempts the scripts, but not
   * the inbox, from a guard of the whole application. Default none.
   */
  readonly clientDecorators?: readonly ClassDecorator[] | undefined;
  /** Version of the controller, as in `@Controller({ version })`. */
  readonly version?: ControllerOptions['version'] | undefined;
  /**
   * How the OpenAPI document of the application describes the controller, as for
   * `NotificationsModule`. `false` hides the controller.
   *
   * @default the defaults of `OpenApiOptions`
   */
  readonly openApi?: OpenApiOptions | false | undefined;
  /** Modules that provide the dependencies of the guards. */
  readonly imports?: ModuleMetadata['imports'] | undefined;
}

/** The interface of a class for `forRootAsync({ useClass })` or `forRootAsync({ useExisting })`. */
export interface InboxOptionsFactory {
  /** Called once, when the application starts. */
  createInboxOptions(): Promise<InboxOptions> | InboxOptions;
}

/** The token of the options. Each inbox has its own module, so one token is enough. */
const INBOX_OPTIONS = 'nest-notifications inbox options';

const EXTRAS: InboxModuleExtras = {
  name: undefined,
  isGlobal: false,
  controller: true,
  path: undefined,
  serveClient: false,
  guards: [],
  decorators: [],
  clientDecorators: [],
  version: undefined,
  openApi: undefined,
  imports: [],
};

const { ConfigurableModuleClass, ASYNC_OPTIONS_TYPE } = new ConfigurableModuleBuilder<InboxOptions>({
  optionsInjectionToken: INBOX_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createInboxOptions')
  .setExtras(EXTRAS, (definition, extras) => define(definition, extras))
  .build();

/**
 * Adds inboxes to an application: lists of notifications with unread counts. The module has its own
 * feed with its own log, so other topics of the application cannot evict its items.
 */
@Module({})
export class InboxModule extends ConfigurableModuleClass {
  /**
   * Adds the inboxes with the given options. The application fails to start if an option is wrong,
   * with an error that names the option, its value and the allowed values.
   */
  static override forRoot(options: InboxOptions & InboxModuleExtras): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * Adds the inboxes with options from a factory, a class or a provider: `useFactory`, `useClass`
   * or `useExisting`.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}

function define(definition: DynamicModule, given: InboxModuleExtras): DynamicModule {
  const name = given.name ?? INBOX_NAME;
  const extras = resolveExtras({ ...given, name, path: given.path ?? name });
  const feedOptions = { provide: BUILDER_TOKEN, inject: [INBOX_OPTIONS], useFactory: feedOptionsOf };
  const own = { ...definition, module: NotificationsModule };
  const feed = defineFeed({ ...own, providers: [...(definition.providers ?? []), feedOptions] }, extras, partsOf(name));
  return { module: definition.module, global: extras.isGlobal === true, imports: [feed], exports: [feed] };
}

function partsOf(name: string): FeedParts {
  const token = getInboxToken(name);
  return {
    mount: mountInbox,
    description: { routes: inboxRoutes, channel: inboxChannel },
    httpProviders: [],
    providers: [
      { provide: OBSERVER, useClass: RecordObserver },
      { provide: INBOX, inject: [CONTEXT, INBOX_OPTIONS, OBSERVER], useFactory: createInbox },
      token === InboxService ? InboxService : { provide: token, useClass: InboxService },
    ],
    exports: [token],
  };
}

function createInbox(context: PublishContext, options: InboxOptions, observer: RecordObserver): Inbox {
  if (!isReading(context)) throw new Error('InboxModule: its feed must serve reads, but this feed only publishes');
  const settings = resolveInboxSettings(options);
  warnIfShort(options.store, settings.items.retainMs);
  return new Inbox({ context, options, settings, observer });
}

/** Creates a controller class for each inbox, because path and guards are metadata of the class. */
function mountInbox(route: FeedRoute, { guards, decorators }: Extras): Type {
  class MountedInboxController extends InboxController {}
  decorate(MountedInboxController, decorators);
  UseGuards(OriginGuard, ...guards, InboxGuard)(MountedInboxController);
  controllerAt(route)(MountedInboxController);
  nameController(MountedInboxController, route.name === INBOX_NAME ? undefined : route.name, 'InboxController');
  return MountedInboxController;
}
