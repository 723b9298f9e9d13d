import type { CanActivate, ControllerOptions, ModuleMetadata, Type } from '@nestjs/common';
import { numberOptions, type NumberRule, wrongOption } from '../core/options.js';

const OWNER = 'NotificationsInspectorModule';
const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;

/** Options of the inspector. */
export interface InspectorOptions {
  /**
   * The names of the feeds and inboxes to show; `default` is the feed without a name. At most 10,
   * so that the state stays small.
   * @default all feeds of the application
   */
  readonly feeds?: readonly string[] | undefined;
  /**
   * Records all the time. When the page opens, the charts show the last five minutes, and
   * explanations include earlier deliveries. Each delivery then costs some percent more. Without
   * this option, the inspector starts with the first request for the state and stops after `idleMs`
   * without one.
   * @default false
   */
  readonly alwaysOn?: boolean | undefined;
  /**
   * The inspector stops this many milliseconds after the last request for the state, and drops its
   * records. Choose more than the time for which an operator uses another tab, because a hidden
   * page sends no requests.
   * @default 600_000, 10 minutes
   */
  readonly idleMs?: number | undefined;
  /**
   * The maximum bytes of recorded deliveries for each feed, at most 16 MiB. The default holds some
   * thousand pages.
   * @default 1_048_576, 1 MiB
   */
  readonly deliveryBytesMax?: number | undefined;
}

/** Options of the module itself. With `forRootAsync`, set them next to `useFactory`. */
export interface InspectorModuleExtras {
  /**
   * The guards of all routes of the inspector. At least one is required: the inspector shows
   * subscribers and topics, and `explain` reads notifications. Nest resolves them as it resolves
   * the guards of a controller, so they may inject providers and be request-scoped.
   */
  readonly guards: readonly (Type<CanActivate> | CanActivate)[];
  /** Path of the page, below global prefix and version. @default 'notifications-inspector' */
  readonly path?: string | undefined;
  /** Class decorators of the controller, such as `[SkipThrottle()]`. @default none */
  readonly decorators?: readonly ClassDecorator[] | undefined;
  /** Version of the controller, as in `@Controller({ version })`. @default none */
  readonly version?: ControllerOptions['version'] | undefined;
  /** Modules that provide the dependencies of the guards. @default none */
  readonly imports?: ModuleMetadata['imports'] | undefined;
}

/** The options with their defaults. */
export interface InspectorSettings {
  /** Undefined: all feeds. */
  readonly feeds: readonly string[] | undefined;
  readonly alwaysOn: boolean;
  readonly idleMs: number;
  readonly deliveryBytesMax: number;
}

/** The maximum number of shown feeds. A report of one feed has less than 64 KiB. */
export const FEEDS_MAX = 10;

const NUMBERS = {
  idleMs: { default: 10 * MINUTE_MS, min: 10_000, max: 24 * 60 * MINUTE_MS },
  // An explanation searches all records, at most some milliseconds.
  deliveryBytesMax: { default: MIB, min: 16 * 1024, max: 16 * MIB },
} as const satisfies Record<string, NumberRule>;

/** @throws RangeError that names the option, its value and the allowed values */
export function resolveInspectorSettings(options: InspectorOptions): InspectorSettings {
  const numbers = numberOptions(options, { owner: OWNER, numbers: NUMBERS, others: ['feeds', 'alwaysOn'] });
  const { feeds, alwaysOn = false } = options;
  if (typeof alwaysOn !== 'boolean') throw wrong('alwaysOn', alwaysOn, 'must be true or false');
  if (feeds !== undefined && !isNames(feeds)) {
    throw wrong('feeds', feeds, `must be an array of 1 to ${FEEDS_MAX} names of feeds`);
  }
  return { feeds, alwaysOn, ...numbers };
}

/**
 * A part of a path without escapes. The page names its files relative to the path, so the parts `.`
 * and `..` are not allowed.
 */
const PATH_PART = /^(?!\.\.?$)[A-Za-z0-9._~-]+$/;
export const DEFAULT_PATH = 'notifications-inspector';

/**
 * The path without slashes at its ends.
 * @throws RangeError for a path with a parameter, or with a part that is empty, `.` or `..`
 */
export function resolvePath(path: unknown = DEFAULT_PATH): string {
  const trimmed = typeof path === 'string' ? path.replace(/^\/+|\/+$/g, '') : '';
  if (trimmed.split('/').every((part) => PATH_PART.test(part))) return trimmed;
  throw wrong('path', path, 'must be a path of letters, digits and . _ ~ - /, without empty parts, . and ..');
}

/**
 * Checks the guards when the application defines its modules, so an inspector without guards never
 * starts.
 * @throws RangeError if there is no guard, or if a guard is undefined
 */
export function checkGuards(guards: unknown): asserts guards is InspectorModuleExtras['guards'] {
  const isGuard = (guard: unknown): boolean =>
    typeof guard === 'function' ||
    typeof (guard as Partial<CanActivate> | null | undefined)?.canActivate === 'function';
  if (Array.isArray(guards) && guards.length > 0 && guards.every(isGuard)) return;
  const advice = 'as in guards: [AdminGuard], because the inspector shows subscribers and notifications';
  throw wrong('guards', guards, `must be an array with at least one guard, ${advice}`);
}

function isNames(feeds: unknown): boolean {
  if (!Array.isArray(feeds) || feeds.length === 0 || feeds.length > FEEDS_MAX) return false;
  return feeds.every((name) => typeof name === 'string' && name !== '');
}

function wrong(name: string, value: unknown, rule: string): RangeError {
  return wrongOption({ owner: OWNER, name, value, rule });
}
