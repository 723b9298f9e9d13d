import type { CanActivate, ControllerOptions, ModuleMetadata, Type } from '@nestjs/common';
import { OPEN_API, type OpenApiOptions, type OpenApiSettings, resolveOpenApi } from '../openapi/openapi-options.js';
import type { FeedDefinition } from './feeds.js';
import { optionError } from '../settings.js';

/**
 * Options of the module itself. With `forRootAsync`, set them next to `useFactory`, not in the
 * result of the factory.
 */
export interface NotificationsModuleExtras {
  /**
   * Name of the feed: letters, digits, `-` and `_`. An application may have several feeds, each
   * with its own name, store, access rules and path. A named feed is injected with
   * `@InjectNotifications(name)`.
   *
   * @default none: the class `NotificationsService` is the token
   */
  readonly name?: string | undefined;
  /** Makes the service available everywhere without importing the module again. Default false. */
  readonly isGlobal?: boolean | undefined;
  /**
   * Mounts the built-in controller. Set false for an application with its own controller. Default
   * true.
   */
  readonly controller?: boolean | undefined;
  /**
   * For workers: the feed can only publish and revoke. The node does not follow the log, keeps no
   * window and mounts no controller, so notifications from other nodes cost it nothing. `poll`,
   * `follow`, `iterate` and `cursor` fail with `publish_only`. Default false.
   */
  readonly publishOnly?: boolean | undefined;
  /**
   * Path of the built-in controller, below global prefix and version.
   *
   * @default `notifications`, for a named feed `notifications/<name>`
   */
  readonly path?: string | undefined;
  /**
   * The script `inbox-element.js` also defines the element. All are public, because a `<script>`
   * sends no credentials in headers. Guards of the whole application still apply: see
   * `clientDecorators`.
   *
   * ```js
   * import { connect } from '/notifications/client.js';
   * import { betweenTabs } from '/notifications/client/tabs.js';
   * ```
   *
   * @default false
   */
  readonly serveClient?: boolean | undefined;
  /**
   * Guards of the built-in controller. They run before the access rules. `overrideGuard` of a
   * testing module replaces guards that are classes. Default none.
   */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[] | undefined;
  /**
   * Class decorators of the mounted controllers, for the feed and for the client's scripts:
   * `[SkipThrottle(), ApiTags('feed')]`. They apply as if they were written above the classes, in
   * this order. Guards among them run before `guards`, and before tickets are checked: see
   * `isTicketRequest`. Default none.
   */
  readonly decorators?: readonly ClassDecorator[] | undefined;
  /**
   * More class decorators, only for the client's scripts: `[Public()]` exempts the scripts, but not
   * the feed, from a guard of the whole application.
   *
   * @default none
   */
  readonly clientDecorators?: readonly ClassDecorator[] | undefined;
  /** Version of the built-in controller, as in `@Controller({ version })`. */
  readonly version?: ControllerOptions['version'] | undefined;
  /**
   * How the OpenAPI document of the application describes the built-in controller, if the
   * application uses `@nestjs/swagger`. `false` hides the controller.
   *
   * @default the defaults of `OpenApiOptions`
   */
  readonly openApi?: OpenApiOptions | false | undefined;
  /** Modules that provide the dependencies of the guards. */
  readonly imports?: ModuleMetadata['imports'] | undefined;
}

/** The extras with their defaults. */
export type Extras = Required<NotificationsModuleExtras> & {
  readonly guards: readonly (Type<CanActivate> | CanActivate)[];
  readonly decorators: readonly ClassDecorator[];
  readonly clientDecorators: readonly ClassDecorator[];
  readonly openApi: OpenApiSettings | false;
};

export const EXTRAS: Extras = {
  name: undefined,
  isGlobal: false,
  controller: true,
  publishOnly: false,
  path: undefined,
  serveClient: false,
  guards: [],
  decorators: [],
  clientDecorators: [],
  version: undefined,
  openApi: OPEN_API,
  imports: [],
};

const DEFAULT_PATH = 'notifications';
/**
 * Characters that need no escape in a path. A dot is not allowed, because `client.js` is a route.
 */
const NAME = /^[A-Za-z0-9_-]+$/;

/** Checks the extras and fills in the defaults. An extra that is undefined has its default. */
export function resolveExtras(given: NotificationsModuleExtras): Extras {
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  const extras: Extras = { ...EXTRAS, ...Object.fromEntries(defined), openApi: resolveOpenApi(given.openApi) };
  for (const name of ['guards', 'decorators', 'clientDecorators', 'imports'] as const) {
    if (!Array.isArray(extras[name])) throw optionError(name, extras[name], 'must be an array');
  }
  const decorators: readonly unknown[] = [...extras.decorators, ...extras.clientDecorators];
  for (const decorator of decorators) {
    if (typeof decorator === 'function') continue;
    throw optionError('decorators', decorator, 'must be an array of class decorators, as in [SkipThrottle()]');
  }
  return extras;
}

/**
 * Name and path of a feed.
 * @throws Error that names the option, its value and the allowed values
 */
export function resolveRoute(extras: Extras): Pick<FeedDefinition, 'name' | 'path' | 'version'> {
  const { name, path, version } = extras as { name: unknown; path: unknown } & Pick<Extras, 'version'>;
  if (name !== undefined && !(typeof name === 'string' && NAME.test(name))) {
    throw optionError('name', name, 'must be one or more characters, each a letter, a digit, - or _');
  }
  const fallback = name === undefined ? DEFAULT_PATH : `${DEFAULT_PATH}/${name}`;
  const trimmed = typeof path === 'string' ? path.replace(/^\/+|\/+$/g, '') : '';
  if (path !== undefined && !trimmed) throw optionError('path', path, 'must be a path that is not empty');
  return { name, path: trimmed || fallback, version };
}
