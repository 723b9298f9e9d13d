import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Clock } from '../core/clock.js';
import { DRAFT_LIMITS } from '../core/draft.js';
import type { StoreFactory } from '../core/store.js';
import type { Access } from './access/access.js';

/** The range of an option. The declaration of the option explains it. */
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

/** The proxies in front of an application: their number, or their addresses and subnets. */
export type TrustProxy = number | string | readonly string[];

/**
 * Options of `NotificationsModule.forRoot`. Every number is checked when the application starts.
 */
export interface NotificationsOptions {
  /**
   * The access rules for reading and publishing. `'public'` allows every caller to read every
   * topic. Only `access.publish` allows callers to publish over HTTP.
   *
   * @default no caller may read or publish
   */
  readonly access?: Access | undefined;
  /**
   * The store of the log.
   *
   * @default `memoryStore()`
   */
  readonly store?: StoreFactory | undefined;
  /**
   * Schemas by notification type. `publish` rejects data that does not match, and appends the
   * output of the schema.
   */
  readonly schemas?: Schemas | undefined;
  readonly poll?:
    | {
        /**
         * How long a poll is held, in milliseconds, if the client does not specify it. Proxies
         * usually cut an idle connection after 30 s.
         *
         * @default 25_000
         */
        readonly waitMs?: number | undefined;
        /**
         * The longest wait that a client may request, in milliseconds. nginx cuts an idle
         * connection after 60 s.
         *
         * @default 55_000
         */
        readonly waitMsMax?: number | undefined;
        /**
         * Notifications per page, if the client does not specify it.
         *
         * @default 100
         */
        readonly limit?: number | undefined;
        /**
         * The most notifications per page that a client may request.
         *
         * @default 1_000
         */
        readonly limitMax?: number | undefined;
      }
    | undefined;
  readonly stream?:
    | {
        /**
         * Milliseconds without data after which a stream sends a comment. The WHATWG standard
         * recommends 15 s.
         *
         * @default 15_000
         */
        readonly heartbeatMs?: number | undefined;
        /**
         * The lifetime of a stream in milliseconds, ±20 %. Then its client reconnects.
         *
         * @default 30 minutes
         */
        readonly lifetimeMs?: number | undefined;
        /**
         * The pause before a client reconnects, in milliseconds, ±20 %.
         *
         * @default 2_000
         */
        readonly retryMs?: number | undefined;
        /**
         * The shortest time in milliseconds between two cursors on a stream without notifications.
         * The same limit applies to updates of the reconnect pause on any stream.
         *
         * @default one minute
         */
        readonly cursorEveryMs?: number | undefined;
        /**
         * Bytes of notifications that are written to a stream before its client has read the last
         * ones. A stalled client costs this much memory, or one notification if it is larger.
         *
         * @default 128 KiB
         */
        readonly unreadBytesMax?: number | undefined;
        /**
         * The longest time in milliseconds that a client may leave data unread. Then its connection
         * is closed.
         *
         * @default one minute
         */
        readonly unreadMsMax?: number | undefined;
      }
    | undefined;
  readonly publish?:
    | {
        /**
         * Bytes of a notification as JSON. For larger data, publish a reference that clients fetch.
         *
         * @default 64 KiB
         */
        readonly notificationBytesMax?: number | undefined;
        /**
         * Notifications in one call or request, which is one transaction. At most 1,000.
         *
         * @default 100
         */
        readonly notificationsMax?: number | undefined;
        /**
         * Bytes of a request's body. The application's parser may allow less.
         *
         * @default 1 MiB
         */
        readonly bodyBytesMax?: number | undefined;
        /**
         * Notifications that a caller may publish over HTTP in a minute, on each node. A caller is
         * a subscriber, or an address if there is no subscriber. Each node counts for itself, so
         * two nodes behind a load balancer allow twice as many.
         *
         * @default 6_000, which is 100 per second
         */
        readonly perMinuteMax?: number | undefined;
        /**
         * Levels of nesting in `data`.
         *
         * @default 32
         */
        readonly dataDepthMax?: number | undefined;
      }
    | undefined;
  /**
   * The direct lane answers repeated polls on a connection before node:http parses them. It
   * recognizes a repeated poll by its bytes. A poll uses the lane if the two polls before it on the
   * connection were equal except for the cursor, and had answers with the same headers.
   *
   * For `grantMs`, guards, middleware and `access.subscriber` do not run. `access.read` and limits
   * still apply, and `revoke` ends the grant at once. Nest answers if middleware wraps the
   * response, or if the response sets cookies. With the lane on, the application does not start if
   * it has interceptors or exception filters, global ones or in `decorators`.
   */
  readonly directLane?:
    | {
        /**
         * How long a connection may use the lane, in milliseconds. Then its next poll takes the
         * usual path. 0 turns the lane off; 30,000 is recommended.
         *
         * @default 0
         */
        readonly grantMs?: number | undefined;
      }
    | undefined;
  /**
   * Tickets for clients that can send neither headers nor cookies with an event stream. `POST
   * <path>/tickets` issues one to a caller with a `subscriber`, and `GET <path>?ticket=…` opens one
   * stream with it. The store must have `claim`; all stores of this package have it.
   *
   * @default tickets are neither issued nor accepted
   */
  readonly tickets?:
    | {
        /**
         * A ticket must be used within this time after it was issued, in milliseconds. The time is
         * enough for a page that loads slowly.
         *
         * @default 30_000
         */
        readonly ttlMs?: number | undefined;
        /**
         * How long the stream may reconnect with the ticket, in milliseconds. `access.expiresAt`
         * can end this time earlier.
         *
         * @default one hour
         */
        readonly lifetimeMs?: number | undefined;
        /**
         * Tickets that one subscriber may request in a minute, on one node. More requests are
         * rejected with 429. This also limits the number of used tickets that the store remembers.
         * The default allows one for each stream of a subscriber, and some reloads.
         *
         * @default 120
         */
        readonly perMinuteMax?: number | undefined;
        /**
         * Streams that one subscriber may open with tickets in a minute, on one node, reconnects
         * included. More streams end at once, and the client retries later. The default allows 100
         * streams that reconnect every ten seconds.
         *
         * @default 600
         */
        readonly usesPerMinuteMax?: number | undefined;
      }
    | undefined;
  readonly shutdown?:
    | {
        /**
         * How long the node still serves requests after it has reported that it is not ready, in
         * milliseconds. Behind a load balancer, set the time that the load balancer needs to
         * notice.
         *
         * @default 0
         */
        readonly delayMs?: number | undefined;
      }
    | undefined;
  /**
   * The newest part of the log, which this node keeps in memory. Reads from older cursors go to the
   * store.
   */
  readonly window?:
    | {
        /** Notifications. @default 10_000 */
        readonly count?: number | undefined;
        /** Bytes of JSON. @default 16 MiB */
        readonly bytes?: number | undefined;
      }
    | undefined;
  readonly limits?:
    | {
        /**
         * Held polls and open streams on this node. Each takes at most about 30 KiB, so the default
         * is about 600 MiB.
         *
         * @default 20_000
         */
        readonly waitersMax?: number | undefined;
        /**
         * Held polls and open streams of one `access.subscriber` on this node. The default is
         * enough for several devices with several tabs each.
         *
         * @default 100
         */
        readonly waitersPerSubscriberMax?: number | undefined;
        /**
         * Held polls and open streams from one IPv4 address or IPv6 /64 on this node. The default
         * equals `waitersMax`, because behind an untrusted proxy all clients have the proxy's
         * address. Lower it if `request.ip` is the client's address.
         *
         * @default 20_000
         */
        readonly waitersPerAddressMax?: number | undefined;
        /** Topics in one request. @default 50 */
        readonly topicsMax?: number | undefined;
        /**
         * Bytes of notifications in one page. A single larger notification is a page of its own.
         *
         * @default 1 MiB
         */
        readonly pageBytesMax?: number | undefined;
        /**
         * Bytes of answers on this node that clients have not read. The default is enough for a few
         * dozen slow clients with pages of full size. A page takes at most an eighth of the free
         * bytes, and at least 16 KiB, so pages get smaller near the limit. Above the limit, the
         * node closes the connections that have kept the most bytes for the longest time. Their
         * cursors stay valid.
         *
         * @default 32 MiB
         */
        readonly unreadBytesMax?: number | undefined;
      }
    | undefined;
  /**
   * Origins (`https://app.example`) whose pages may send requests, besides the server's own.
   * Requests from other pages are rejected with 403 before guards and access rules run.
   *
   * Set this option if a cookie identifies the caller. Pages of any site can make a browser send
   * cookies, and their streams and polls would count against the user's limits. `[]` allows the
   * server's own origin only. Requests without the headers `Origin` and `Sec-Fetch-Site` are not
   * checked. CORS is still configured in the application.
   *
   * @default all origins, because callers with an `Authorization` header need no list
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * Secrets of the application for the keys of cursors and tickets, each of at least 32 characters.
   * The first secret seals new cursors and tickets; all secrets open existing ones. Without this
   * option the keys depend only on a secret in the store, so a reader of the store can forge
   * cursors and tickets. An empty string means the key from the store alone.
   *
   * To change the key without a gap for any client, configure all nodes in three steps: `[old,
   * new]`, then `[new, old]`, then `[new]`. Wait with the last step until no client uses tickets
   * and cursors of the old key, because a cursor of a removed key leads to a gap. To add this
   * option to a running application, use `''` as the old key.
   *
   * @default none
   */
  readonly keys?: readonly string[] | undefined;
  /**
   * The proxies in front of the application, for limits per address: their number, or their
   * addresses and subnets. `loopback`, `linklocal` and `uniquelocal` are names for common subnets.
   * Set this option if the adapter has no such setting, as `NodeAdapter`. Count only proxies that
   * append to `X-Forwarded-For`: if the number is too high, clients can choose their address.
   *
   * @default the HTTP adapter decides (`request.ip`)
   */
  readonly trustProxy?: TrustProxy | undefined;
  /**
   * The clock, for tests.
   *
   * @default the system clock
   */
  readonly clock?: Clock | undefined;
}

/** A caller cannot guess 32 random characters. */
const KEY_LENGTH_MIN = 32;
const OTHER_OPTIONS: readonly string[] = ['access', 'store', 'schemas', 'origins', 'keys', 'trustProxy', 'clock'];

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

/** A default must not exceed the maximum that clients may request. */
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

/**
 * The error for an option whose value is not allowed. `rule` completes a sentence that begins with
 * "it".
 */
export function optionError(name: string, value: unknown, rule: string): Error {
  return new Error(`NotificationsModule: option ${name} is ${describe(value)}; it ${rule}`);
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
  throw new Error(`NotificationsModule: option keys ${rule}`);
}

export function unknownOption(name: string): Error {
  return new Error(`NotificationsModule: there is no option ${name}`);
}

/** A longer string is shortened in an error message. */
const TEXT_SHOWN_MAX = 100;

/** Names the type where values of two types look alike, such as the string "5" and the number 5. */
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
