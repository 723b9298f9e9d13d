import { type NumberRule, numberOptions } from '../../core/options.js';
import type { StoreFactory } from '../../core/store.js';
import type { Access, MaybePromise } from '../../nest/access/access.js';
import type { NotificationsOptions } from '../../nest/options.js';
import { memoryStore } from '../../stores/memory/memory-store.js';

const OWNER = 'InboxModule';
const DAY_MS = 24 * 3_600_000;

/** Every numeric option of an inbox, with its default and range. `InboxOptions` explains them. */
const BOUNDS = {
  items: { retainMs: { default: 90 * DAY_MS, min: 1, max: 100 * 365 * DAY_MS } },
  counts: { cap: { default: 99, min: 1, max: 999 } },
  operations: {
    perMinuteMax: { default: 120, min: 1, max: 1_000_000 },
    exceptionsMax: { default: 2_000, min: 10, max: 10_000 },
  },
  cache: { bytes: { default: 16 * 1024 * 1024, min: 64 * 1024, max: 16 * 1024 ** 3 } },
} as const satisfies Record<string, Record<string, NumberRule>>;

type Bounds = typeof BOUNDS;
type Group = keyof Bounds;

/** All numeric options of an inbox, with the defaults filled in. */
export type InboxSettings = { readonly [G in Group]: { readonly [K in keyof Bounds[G]]: number } };

/**
 * Options of `InboxModule.forRoot`. The options of `NotificationsModule` that are not named here
 * apply to the feed of the inbox, with the same meaning and defaults.
 */
export interface InboxOptions extends Omit<NotificationsOptions, 'access' | 'directLane' | 'patterns' | 'tickets'> {
  /**
   * The rule `subscriber` returns the owner of the inbox for a request. Without a subscriber, the
   * request is rejected. `expiresAt` applies as for any feed. The rules `topics`, `read` and
   * `publish` have no effect.
   */
  readonly access: Access;
  /**
   * Returns the broadcasts that a subscriber sees: topics such as `announcements` or `team.7`. It
   * runs for each request, and before each delivery of a broadcast. A subscriber who gains a topic
   * also sees its older items, with the state of the subscriber's earlier "mark all".
   * @default none
   */
  readonly topics?: ((subscriber: string) => MaybePromise<readonly string[]>) | undefined;
  /**
   * The store of the inbox. Each inbox needs its own log, with its own retention.
   * @default `memoryStore({ retainMs: items.retainMs })`, for development and tests
   */
  readonly store?: StoreFactory | undefined;
  /** The items of an inbox. */
  readonly items?:
    | {
        /**
         * How long items must be kept, in milliseconds. The start logs a warning if `store` has a
         * shorter `retainMs`. Most stores keep notifications for a week by default, but people
         * return to their inbox after holidays.
         * @default 90 days
         */
        readonly retainMs?: number | undefined;
      }
    | undefined;
  /** The numbers of the badge. */
  readonly counts?:
    | {
        /**
         * The highest exact number. A count above the cap is reported as `cap` + 1, which a badge
         * shows as "99+". @default 99
         */
        readonly cap?: number | undefined;
      }
    | undefined;
  /** Bounds of operations, such as "mark as read". */
  readonly operations?:
    | {
        /**
         * Operations of one subscriber over HTTP in a minute, on each node. More are rejected with
         * 429. The default allows two in a second; one operation can name 100 items. An operation
         * that appends several records, or a record of more than 4 KiB, counts as several.
         * @default 120
         */
        readonly perMinuteMax?: number | undefined;
        /**
         * The maximum number of exceptions in one inbox: item states that no watermark covers. An
         * operation beyond this limit is rejected with 409, unless watermarks can replace enough
         * stored states. With the option `topics`, they never replace archived and removed items.
         * At the default, a snapshot has about 10 KiB.
         * @default 2_000
         */
        readonly exceptionsMax?: number | undefined;
      }
    | undefined;
  /** The states of inboxes that a node keeps in memory. */
  readonly cache?:
    | {
        /** Bytes. The default holds about 30,000 inboxes. @default 16 MiB */
        readonly bytes?: number | undefined;
      }
    | undefined;
}

/**
 * Checks the numbers of an inbox and fills in the defaults.
 * @throws RangeError that names the option, its value and the allowed values
 */
export function resolveInboxSettings(options: Partial<InboxOptions>): InboxSettings {
  if (options.topics !== undefined && typeof options.topics !== 'function') {
    throw new RangeError(`${OWNER}: option topics must be a function that returns topics`);
  }
  const groups = (Object.keys(BOUNDS) as Group[]).map((group) => {
    const rules = { owner: OWNER, group: `${group}.`, numbers: BOUNDS[group] as Record<string, NumberRule> };
    return [group, numberOptions<string>(options[group] ?? {}, rules)];
  });
  return Object.fromEntries(groups) as unknown as InboxSettings;
}

/** The options of the feed. */
export function feedOptionsOf(options: InboxOptions): NotificationsOptions {
  const { topics: _, items: _items, counts: _counts, operations: _operations, cache: _cache, store, ...feed } = options;
  return { ...feed, store: store ?? memoryStore({ retainMs: resolveInboxSettings(options).items.retainMs }) };
}
