import type { StandardSchemaV1 } from '@standard-schema/spec';
import { DRAFT_LIMITS } from '../core/draft.js';
import { TOPIC_LENGTH_MAX } from '../core/names.js';
import { numberOptions, type NumberRule, unknownOption as noOption, wrongOption } from '../core/options.js';
import { PATTERNS_MAX } from '../core/patterns.js';
import { checkIndexedPattern } from '../wire/topic-patterns.js';
import type { NotificationsOptions, Schemas } from './options.js';

/** The owner of the options, as error messages name it. */
const OWNER = 'NotificationsModule';
const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;

/** Every numeric option with its default and range. The declaration of the option explains it. */
const BOUNDS = {
  poll: {
    waitMs: { default: 25_000, min: 0, max: 300_000 },
    waitMsMax: { default: 55_000, min: 0, max: 300_000 },
    limit: { default: 100, min: 1, max: 10_000 },
    limitMax: { default: 1_000, min: 1, max: 10_000 },
  },
  stream: {
    heartbeatMs: { default: 15_000, min: 100, max: 300_000 },
    lifetimeMs: { default: 30 * MINUTE_MS, min: 1_000, max: 24 * 60 * MINUTE_MS },
    retryMs: { default: 2_000, min: 0, max: 5 * MINUTE_MS },
    cursorEveryMs: { default: MINUTE_MS, min: 100, max: 60 * MINUTE_MS },
    unreadBytesMax: { default: 128 * KIB, min: KIB, max: 256 * MIB },
    unreadMsMax: { default: MINUTE_MS, min: 100, max: 60 * MINUTE_MS },
  },
  publish: {
    notificationBytesMax: { default: DRAFT_LIMITS.notificationBytesMax, min: 256, max: 16 * MIB },
    notificationsMax: { default: 100, min: 1, max: 1_000 },
    bodyBytesMax: { default: MIB, min: 256, max: 256 * MIB },
    perMinuteMax: { default: 6_000, min: 1, max: 10_000_000 },
    dataDepthMax: { default: DRAFT_LIMITS.dataDepthMax, min: 1, max: 500 },
  },
  directLane: {
    grantMs: { default: 0, min: 0, max: MINUTE_MS },
  },
  tickets: {
    ttlMs: { default: 30_000, min: 1_000, max: 10 * MINUTE_MS },
    lifetimeMs: { default: 60 * MINUTE_MS, min: 1_000, max: 24 * 60 * MINUTE_MS },
    perMinuteMax: { default: 120, min: 1, max: 1_000_000 },
    usesPerMinuteMax: { default: 600, min: 1, max: 1_000_000 },
  },
  shutdown: {
    delayMs: { default: 0, min: 0, max: 5 * MINUTE_MS },
  },
  window: {
    count: { default: 10_000, min: 1, max: 10_000_000 },
    bytes: { default: 16 * MIB, min: KIB, max: 4 * KIB * MIB },
  },
  limits: {
    waitersMax: { default: 20_000, min: 1, max: 10_000_000 },
    waitersPerSubscriberMax: { default: 100, min: 1, max: 10_000_000 },
    waitersPerAddressMax: { default: 20_000, min: 1, max: 10_000_000 },
    topicsMax: { default: 50, min: 1, max: 10_000 },
    pageBytesMax: { default: MIB, min: KIB, max: 256 * MIB },
    unreadBytesMax: { default: 32 * MIB, min: MIB, max: 64 * KIB * MIB },
  },
} as const satisfies Record<string, Record<string, NumberRule>>;

type Bounds = typeof BOUNDS;
type Group = keyof Bounds;

/** All numeric options, defaults filled in, and the declared patterns. */
export type Settings = { readonly [G in Group]: { readonly [K in keyof Bounds[G]]: number } } & {
  readonly patterns: readonly string[];
};
/** A caller cannot guess 32 random characters. */
const KEY_LENGTH_MIN = 32;
const OTHER_OPTIONS: readonly string[] = [
  ...['access', 'store', 'schemas', 'origins', 'keys', 'trustProxy', 'clock', 'patterns'],
];

/**
 * Checks the options and fills in the defaults.
 * @throws Error that names the option, its value and the allowed values
 */
export function resolveSettings(options: NotificationsOptions): Settings {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(BOUNDS, name) && !OTHER_OPTIONS.includes(name)) throw unknownOption(name);
  }
  if (options.store !== undefined && typeof options.store !== 'function') {
    throw optionError('store', options.store, 'must be the return value of a store driver, as in store: memoryStore()');
  }
  checkSchemas(options.schemas);
  checkOrigins(options.origins);
  checkKeys(options.keys);
  const groups = Object.fromEntries(
    (Object.keys(BOUNDS) as Group[]).map((group) => [group, resolveGroup(group, options[group])]),
  ) as unknown as Omit<Settings, 'patterns'>;
  const settings: Settings = { ...groups, patterns: checkedPatterns(options.patterns) };
  checkOrder(settings, 'poll', ['waitMs', 'waitMsMax']);
  checkOrder(settings, 'poll', ['limit', 'limitMax']);
  return settings;
}

function resolveGroup(group: Group, given: object | undefined): Record<string, number> {
  if (given !== undefined && (typeof given !== 'object' || (given as unknown) === null || Array.isArray(given))) {
    throw optionError(group, given, 'must be an object');
  }
  return numberOptions<string>(given ?? {}, { owner: OWNER, group: `${group}.`, numbers: BOUNDS[group] });
}

/** A default must not exceed the maximum that clients may request. */
function checkOrder(settings: Settings, group: Group, [low, high]: readonly [string, string]): void {
  const values: Readonly<Record<string, number>> = settings[group];
  const [lowValue = 0, highValue = 0] = [values[low], values[high]];
  if (lowValue > highValue) {
    throw optionError(`${group}.${low}`, lowValue, `must be at most ${group}.${high}, which is ${highValue}`);
  }
}

function checkedPatterns(patterns: unknown): readonly string[] {
  if (patterns === undefined) return [];
  const isList = Array.isArray(patterns) && patterns.every((pattern) => typeof pattern === 'string');
  if (!isList) throw optionError('patterns', patterns, "must be an array of patterns, such as 'orders.*'");
  const names = [...new Set(patterns as readonly string[])];
  if (names.length > PATTERNS_MAX) {
    throw optionError('patterns.length', names.length, `must be at most ${PATTERNS_MAX}`);
  }
  for (const name of names) {
    if (name.length > TOPIC_LENGTH_MAX) {
      throw optionError('patterns', name, `must have at most ${TOPIC_LENGTH_MAX} characters`);
    }
    try {
      checkIndexedPattern(name);
    } catch (error) {
      throw optionError('patterns', name, `must be valid: ${(error as Error).message}`);
    }
  }
  return names;
}

function checkSchemas(schemas: Schemas | undefined): void {
  for (const [type, schema] of Object.entries(schemas ?? {})) {
    if (typeof (schema as Partial<StandardSchemaV1> | undefined)?.['~standard']?.validate !== 'function') {
      throw optionError(`schemas.${type}`, schema, 'must be a Standard Schema (zod 3.24+, valibot 1+, arktype 2+, …)');
    }
  }
}

/**
 * The error for an option whose value is not allowed. `rule` completes a sentence that begins with
 * "it".
 */
export function optionError(name: string, value: unknown, rule: string): Error {
  return wrongOption({ owner: OWNER, name, value, rule });
}

function checkOrigins(origins: unknown): void {
  if (origins === undefined) return;
  if (!Array.isArray(origins)) throw optionError('origins', origins, 'must be an array of origins');
  const wrong: unknown = origins.find((one) => typeof one !== 'string' || !isOrigin(one));
  if (wrong !== undefined)
    throw optionError('origins', wrong, 'must contain only origins, such as https://app.example');
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** The error does not contain the value, because it is a secret. */
function checkKeys(keys: unknown): void {
  if (keys === undefined) return;
  const isKey = (key: unknown): boolean => typeof key === 'string' && (key === '' || key.length >= KEY_LENGTH_MIN);
  if (Array.isArray(keys) && keys.length > 0 && keys.every(isKey)) return;
  const rule = `must be an array of strings that are empty or have at least ${KEY_LENGTH_MIN} characters`;
  throw new RangeError(`${OWNER}: option keys ${rule}`);
}

export function unknownOption(name: string): Error {
  return noOption(OWNER, name);
}
