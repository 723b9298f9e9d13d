import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Clock } from '../core/clock.js';
import { DRAFT_LIMITS } from '../core/draft.js';
import type { StoreFactory } from '../core/store.js';
import type { Access } from './access/access.js';

/** A bound: what it limits and why is said where the option is declared. */
interface Bound {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;

/** Every numeric option with its default and allowed range. */
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
} as const satisfies Record<string, Record<string, Bound>>;

type Bounds = typeof BOUNDS;
type Group = keyof Bounds;

/** All numeric options, defaults filled in. */
export type Settings = { readonly [G in Group]: { readonly [K in keyof Bounds[G]]: number } };

/** Schemas by notification type; any Standard Schema (zod, valibot, arktype, …). */
export type Schemas = Readonly<Record<string, StandardSchemaV1>>;

/** The proxies in front of an application: how many there are, or their addresses and subnets. */
export type TrustProxy = number | string | readonly string[];

/** Options of `NotificationsModule.forRoot`. Every number is checked when the application starts. */
export interface NotificationsOptions {
  /**
   * Who may read and publish what. Default: nobody anything. `'public'` lets everybody read every topic; publishing over
   * HTTP is granted by `access.publish` alone.
   */
  readonly access?: Access | undefined;
  /** Where the log lives. Default: `memoryStore()`. */
  readonly store?: StoreFactory | undefined;
  /** Schemas by notification type. `publish` refuses data that does not match and appends what the schema puts out. */
  readonly schemas?: Schemas | undefined;
  readonly poll?:
    | {
        /** How long a poll that asks for nothing else is held, in milliseconds. Default 25,000: below the usual 30 s of proxies. */
        readonly waitMs?: number | undefined;
        /** The longest wait a client may ask for, in milliseconds. Default 55,000: below the 60 s of nginx. */
        readonly waitMsMax?: number | undefined;
        /** Notifications per page where the client does not say. Default 100. */
        readonly limit?: number | undefined;
        /** The most notifications per page that a client may ask for. Default 1,000. */
        readonly limitMax?: number | undefined;
      }
    | undefined;
  readonly stream?:
    | {
        /** Milliseconds of silence after which a stream sends a comment. Default 15,000, as the WHATWG standard advises. */
        readonly heartbeatMs?: number | undefined;
        /** How long a stream lives, in milliseconds, give or take 20 %, before its client reconnects. Default 30 minutes. */
        readonly lifetimeMs?: number | undefined;
        /** The pause before a client reconnects, in milliseconds, give or take 20 %. Default 2,000. */
        readonly retryMs?: number | undefined;
        /** How often at most a quiet stream is told its cursor, and any stream anew when to come back, in milliseconds. Default one minute. */
        readonly cursorEveryMs?: number | undefined;
        /**
         * Bytes of notifications that a stream is given before its client has read the last ones. Default 128 KiB: what a stalled
         * client costs, beside one notification that is larger.
         */
        readonly unreadBytesMax?: number | undefined;
        /** How long a client may leave unread what it was sent, in milliseconds, before its stream is cut. Default one minute. */
        readonly unreadMsMax?: number | undefined;
      }
    | undefined;
  readonly publish?:
    | {
        /** Bytes of a notification as JSON. Default 64 KiB: larger things are better fetched by reference. */
        readonly notificationBytesMax?: number | undefined;
        /** Notifications in one call or request: one transaction. Default 100, at most 1,000. */
        readonly notificationsMax?: number | undefined;
        /** Bytes of a request's body. Default 1 MiB; the application's parser may allow less. */
        readonly bodyBytesMax?: number | undefined;
        /**
         * Notifications that a subscriber, or else an address, may publish over HTTP in a minute, on each node. Each node counts
         * for itself: behind a load balancer, several nodes allow a caller as many times more. Default 6,000: 100 a second.
         */
        readonly perMinuteMax?: number | undefined;
        /** Levels of nesting in `data`. Default 32. */
        readonly dataDepthMax?: number | undefined;
      }
    | undefined;
  /**
   * The direct lane: polls that repeat on a connection are known by their bytes, and answered before node:http parses them.
   * A poll takes it after two polls on its connection that were equal but for the cursor and were
   * answered with the same headers. Until `grantMs` is over, guards, middleware and
   * `access.subscriber` do not run; `access.read` and limits do, and `revoke` ends it at once. Nest
   * answers where middleware wraps the response, or the response sets cookies. The application does
   * not start with interceptors or exception filters, whether global or in `decorators`.
   */
  readonly directLane?:
    | {
        /** How long a connection may take it before its next poll goes the whole way again, in milliseconds. Default 0: never; 30,000 is advised. */
        readonly grantMs?: number | undefined;
      }
    | undefined;
  /**
   * Tickets for clients that can send neither headers nor cookies with an event stream: `POST <path>/tickets` answers one to a caller with
   * a `subscriber`, and `GET <path>?ticket=…` opens one stream with it. The store must have `claim`, as all of this package have.
   * Default: tickets are neither issued nor accepted.
   */
  readonly tickets?:
    | {
        /** How long after it was given out a ticket must be used first, in milliseconds. Default 30,000: a page that loads slowly. */
        readonly ttlMs?: number | undefined;
        /** How long the stream may be opened again with it, in milliseconds. Default one hour; never beyond `access.expiresAt`. */
        readonly lifetimeMs?: number | undefined;
        /**
         * Tickets that one subscriber may request in a minute, on one node; more are refused with 429. It also bounds the first uses that the
         * store remembers. Default 120: one for each stream that a subscriber may hold, and some reloads.
         */
        readonly perMinuteMax?: number | undefined;
        /**
         * Streams that one subscriber may open with tickets in a minute, on one node, reconnects included. More are ended at once, and the
         * client retries later. Default 600: 100 streams that reconnect every ten seconds.
         */
        readonly usesPerMinuteMax?: number | undefined;
      }
    | undefined;
  readonly shutdown?:
    | {
        /**
         * How long the node still serves after it has begun to say that it is not ready, in milliseconds. Default 0. Behind a load balancer
         * that asks for readiness: as long as that takes to notice.
         */
        readonly delayMs?: number | undefined;
      }
    | undefined;
  /** The newest part of the log that this node keeps in memory; older cursors are answered from the store. */
  readonly window?:
    | {
        /** Notifications. Default 10,000. */
        readonly count?: number | undefined;
        /** Bytes of JSON. Default 16 MiB. */
        readonly bytes?: number | undefined;
      }
    | undefined;
  readonly limits?:
    | {
        /** Polls held and streams open on this node. Default 20,000: some 30 KiB each at most, 600 MiB. */
        readonly waitersMax?: number | undefined;
        /** Of these, on behalf of one `access.subscriber`. Default 100: some devices with some tabs each. */
        readonly waitersPerSubscriberMax?: number | undefined;
        /**
         * Of these, from one IPv4 address or IPv6 /64. Default 20,000, as many as the node holds: behind a proxy that the application
         * does not trust, everybody has the proxy's address. Lower it where `request.ip` is the client's.
         */
        readonly waitersPerAddressMax?: number | undefined;
        /** Topics in one request. Default 50. */
        readonly topicsMax?: number | undefined;
        /** Bytes of notifications in one page; a single larger notification is a page of its own. Default 1 MiB. */
        readonly pageBytesMax?: number | undefined;
        /**
         * Bytes of answers on this node that clients have not read. Default 32 MiB: a few dozen clients that read slowly, at full page size.
         * A page takes at most an eighth of the bytes that are free, and at least 16 KiB, so pages get smaller as the bound comes near.
         * Beyond it the connections that have kept the most bytes for the longest time are cut; their cursors stay valid.
         */
        readonly unreadBytesMax?: number | undefined;
      }
    | undefined;
  /**
   * Origins (`https://app.example`) whose pages may send requests, besides the server's own. Requests of other pages are refused
   * with 403 before guards and access rules run. Set it where a cookie identifies the caller: pages of any site can make a browser
   * send cookies, and a stream or poll of such a page would count against the limits of its user. `[]` allows the server's
   * own origin alone. Requests that browsers do not mark (`Origin`, `Sec-Fetch-Site`) are not concerned. CORS is still configured in
   * the application. Default: all origins, as callers with an `Authorization` header need no list.
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * Secrets of the application, 32 characters or longer each, that are mixed into the keys of cursors and tickets. The first one
   * seals, all of them open. Without this option the secret in the store alone does both, so whoever reads the store can forge
   * cursors and tickets. The empty text stands for that secret alone.
   *
   * To change the key without a gap for any client, change all nodes to `[old, new]`, then to `[new, old]`, and to `[new]` when
   * tickets and cursors of the old key are no longer in use: a cursor of a removed key is answered with a gap. To introduce
   * the option, use `''` as the old one. Default: none.
   */
  readonly keys?: readonly string[] | undefined;
  /**
   * The proxies in front of the application, for limits per address: how many there are, or their addresses and subnets (`loopback`,
   * `linklocal` and `uniquelocal` are names for the usual ones). Default: the HTTP adapter decides (`request.ip`). Set it where
   * the adapter has no such setting, as `NodeAdapter`. Count only proxies that append to `X-Forwarded-For`: with a number that is too high,
   * clients choose their address themselves.
   */
  readonly trustProxy?: TrustProxy | undefined;
  /** The clock, for tests. Default: the runtime's. */
  readonly clock?: Clock | undefined;
}

/** 32 random characters cannot be guessed. */
const KEY_LENGTH_MIN = 32;
const OTHER_OPTIONS: readonly string[] = ['access', 'store', 'schemas', 'origins', 'keys', 'trustProxy', 'clock'];

/**
 * Checks the options and fills in the defaults.
 * @throws Error that names the option, its value and what is allowed
 */
export function resolveSettings(options: NotificationsOptions): Settings {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(BOUNDS, name) && !OTHER_OPTIONS.includes(name)) throw unknownOption(name);
  }
  if (options.store !== undefined && typeof options.store !== 'function') {
    throw optionError('store', options.store, 'must be what a store driver returns, as in store: memoryStore()');
  }
  checkSchemas(options.schemas);
  checkOrigins(options.origins);
  checkKeys(options.keys);
  const settings = Object.fromEntries(
    (Object.keys(BOUNDS) as Group[]).map((group) => [group, resolveGroup(group, options[group])]),
  ) as unknown as Settings;
  checkOrder(settings, 'poll', ['waitMs', 'waitMsMax']);
  checkOrder(settings, 'poll', ['limit', 'limitMax']);
  return settings;
}

function resolveGroup(group: Group, given: object | undefined): Record<string, number> {
  const bounds: Record<string, Bound> = BOUNDS[group];
  if (given !== undefined && (typeof given !== 'object' || (given as unknown) === null || Array.isArray(given))) {
    throw optionError(group, given, 'must be an object');
  }
  const values = (given ?? {}) as Record<string, unknown>;
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(bounds, name)) throw unknownOption(`${group}.${name}`);
  }
  return Object.fromEntries(
    Object.entries(bounds).map(([name, { default: fallback, min, max }]) => {
      const value = values[name] ?? fallback;
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
        throw optionError(`${group}.${name}`, value, `must be a whole number from ${min} to ${max}`);
      }
      return [name, value];
    }),
  );
}

/** A default may not exceed the maximum that clients may ask for. */
function checkOrder(settings: Settings, group: Group, [low, high]: readonly [string, string]): void {
  const values: Readonly<Record<string, number>> = settings[group];
  const [lowValue = 0, highValue = 0] = [values[low], values[high]];
  if (lowValue > highValue) {
    throw optionError(`${group}.${low}`, lowValue, `must be at most ${group}.${high}, which is ${highValue}`);
  }
}

function checkSchemas(schemas: Schemas | undefined): void {
  for (const [type, schema] of Object.entries(schemas ?? {})) {
    if (typeof (schema as Partial<StandardSchemaV1> | undefined)?.['~standard']?.validate !== 'function') {
      throw optionError(`schemas.${type}`, schema, 'must be a Standard Schema (zod 3.24+, valibot 1+, arktype 2+, …)');
    }
  }
}

/** The error for an option whose value is not allowed. `rule` completes a sentence that begins with "it". */
export function optionError(name: string, value: unknown, rule: string): Error {
  return new Error(`NotificationsModule: option ${name} is ${describe(value)}; it ${rule}`);
}

function checkOrigins(origins: unknown): void {
  if (origins === undefined) return;
  if (!Array.isArray(origins)) throw optionError('origins', origins, 'must be an array of origins');
  const wrong: unknown = origins.find((one) => typeof one !== 'string' || !isOrigin(one));
  if (wrong !== undefined) throw optionError('origins', wrong, 'must have origins alone, such as https://app.example');
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** The value itself is not shown. */
function checkKeys(keys: unknown): void {
  if (keys === undefined) return;
  const isKey = (key: unknown): boolean => typeof key === 'string' && (key === '' || key.length >= KEY_LENGTH_MIN);
  if (Array.isArray(keys) && keys.length > 0 && keys.every(isKey)) return;
  const rule = `must be an array of texts that are empty or have at least ${KEY_LENGTH_MIN} characters`;
  throw new Error(`NotificationsModule: option keys ${rule}`);
}

export function unknownOption(name: string): Error {
  return new Error(`NotificationsModule: there is no option ${name}`);
}

/** A long text in an error hides the rest of the message. */
const TEXT_SHOWN_MAX = 100;

/** Names the type where the value alone would read like another type's: the string "5" and the number 5. */
function describe(value: unknown): string {
  if (typeof value === 'string') {
    const shown = value.length > TEXT_SHOWN_MAX ? `${value.slice(0, TEXT_SHOWN_MAX)}…` : value;
    return `the string ${JSON.stringify(shown)}`;
  }
  if (typeof value === 'bigint') return `the bigint ${value}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
