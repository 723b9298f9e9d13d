import {
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { leaveTakenResponses } from '../nest/http/adapter-hooks.js';
import { controllerAt, decorate } from '../nest/module/mounted.js';
import { hideController } from '../nest/openapi/swagger-metadata.js';
import { Inspector, INSPECTOR_OPTIONS } from './inspector.js';
import { INSPECTOR_PATH, InspectorController } from './inspector.controller.js';
import {
  checkGuards,
  DEFAULT_PATH,
  type InspectorModuleExtras,
  type InspectorOptions,
  resolvePath,
} from './inspector-options.js';

const EXTRAS: InspectorModuleExtras = {
  // Guards have no default: `define` rejects a module without them.
  guards: undefined as unknown as InspectorModuleExtras['guards'],
  path: DEFAULT_PATH,
  decorators: [],
  version: undefined,
  imports: [],
};

const { ConfigurableModuleClass, ASYNC_OPTIONS_TYPE } = new ConfigurableModuleBuilder<InspectorOptions>({
  optionsInjectionToken: INSPECTOR_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createInspectorOptions')
  .setExtras(EXTRAS, define)
  .build();

/** In the type of the builder all extras are optional, but guards are required. */
const Base: new () => object = ConfigurableModuleClass;

/**
 * Adds a page that shows operators the state of all feeds on this node and explains single
 * notifications. Guards of the application protect all routes.
 */
@Module({})
export class NotificationsInspectorModule extends Base implements NestModule {
  readonly #adapterHost: HttpAdapterHost;

  constructor(@Inject(HttpAdapterHost) adapterHost: HttpAdapterHost) {
    super();
    this.#adapterHost = adapterHost;
  }

  /** Called by Nest before it creates the routes. */
  configure(_: MiddlewareConsumer): void {
    leaveTakenResponses(this.#adapterHost.httpAdapter);
  }

  /**
   * Adds the inspector. Import it once, beside `NotificationsModule`.
   * @throws RangeError without `guards`, and for a wrong option
   */
  static forRoot(options: InspectorOptions & InspectorModuleExtras): DynamicModule {
    return ConfigurableModuleClass.forRoot.call(this, options);
  }

  /** Like `forRoot`, with options from a factory, a class or a provider. */
  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE & Pick<InspectorModuleExtras, 'guards'>): DynamicModule {
    return ConfigurableModuleClass.forRootAsync.call(this, options);
  }
}

function define(definition: DynamicModule, extras: InspectorModuleExtras): DynamicModule {
  checkGuards(extras.guards);
  const path = resolvePath(extras.path);
  return {
    ...definition,
    imports: [...new Set([...(definition.imports ?? []), ...(extras.imports ?? [])])],
    controllers: [mountInspector(path, extras)],
    providers: [...(definition.providers ?? []), Inspector, { provide: INSPECTOR_PATH, useValue: path }],
  };
}

/** Creates a controller class, because path, guards and decorators are metadata of the class. */
function mountInspector(path: string, { guards, decorators = [], version }: InspectorModuleExtras): Type {
  class MountedInspectorController extends InspectorController {}
  decorate(MountedInspectorController, decorators);
  UseGuards(...guards)(MountedInspectorController);
  controllerAt({ name: undefined, path, version })(MountedInspectorController);
  hideController(MountedInspectorController);
  return MountedInspectorController;
}
