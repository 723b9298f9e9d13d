import { NotificationsError } from './errors.js';
import { checkKey, isSubscriber, SUBSCRIBER_RULE } from './names.js';
import type { Priority } from './notification.js';

/**
 * Ten years. No log keeps notifications that long. A longer time is a mistake, such as a timestamp
 * instead of a duration.
 */
export const TTL_MS_MAX = 10 * 365 * 24 * 3_600_000;

const KEY_SCOPES: readonly unknown[] = ['publisher'];
const PRIORITIES: readonly unknown[] = ['low', 'normal', 'high'] satisfies Priority[];
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
/** Version 00 of W3C Trace Context. An id that consists of zeros is invalid. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Options of one notification. Readers receive them as fields of the notification. */
export interface PublishOptions {
  /**
   * Milliseconds until the notification expires, from 1 to 315,360,000,000 (ten years). Readers
   * receive the time as `expiresAt`. An expired notification is no longer delivered. Set either
   * `ttlMs` or `expiresAt`, not both.
   *
   * @default never
   */
  readonly ttlMs?: number | undefined;
  /**
   * When the notification expires: a `Date`, or a text such as `2026-12-24T18:00:00Z`. The time
   * must be in the future, at most ten years from now. Each node compares it with its own clock. If
   * this clock differs from the publisher's clock, the notification expires earlier or later by the
   * difference.
   *
   * @default never
   */
  readonly expiresAt?: Date | string | undefined;
  /**
   * A newer notification with the same key and topic replaces this one for clients that have not
   * received it yet. A key has 1 to 200 characters: letters, digits and `. _ : @ / ~ = -`.
   *
   * @default none: every notification is delivered
   */
  readonly key?: string | undefined;
  /**
   * `publisher`: a notification with the same key replaces this one only if it has this scope and
   * the same publisher too. Over HTTP the server sets it, so a caller cannot replace the
   * notification of another publisher.
   *
   * @default none: the publisher makes no difference
   */
  readonly keyScope?: 'publisher' | undefined;
  /**
   * How urgent the notification is. Readers receive the value. It does not change the order.
   *
   * @default none
   */
  readonly priority?: Priority | undefined;
  /**
   * The name of the publisher, with 1 to 200 characters. Over HTTP the server sets it to the
   * subscriber of the caller, so a caller cannot choose it.
   *
   * @default none
   */
  readonly publisher?: string | undefined;
  /**
   * The trace of the publish: a `traceparent` of W3C Trace Context, version 00.
   *
   * @default none
   */
  readonly traceparent?: string | undefined;
}

/** The names of the options that a caller over HTTP may set. */
export const CALLER_OPTIONS = ['ttlMs', 'expiresAt', 'key', 'priority', 'traceparent'] as const;

/** The options that decide whether a reader still receives an entry. */
export interface EntryOptions {
  readonly expiresAtMs?: number | undefined;
  /** The key, and the publisher if the key is limited to its publisher. */
  readonly collapseKey?: string | undefined;
}

const NONE: EntryOptions = Object.freeze({});

/**
 * Checks the options and writes them as members of a JSON object, each followed by a comma. The
 * stored JSON has them between `time` and `data`, so readers find them without parsing `data`.
 *
 * @param nowMs the time of the publish, from which `ttlMs` counts
 * @throws NotificationsError `option_invalid` that names the option, its value and the limit
 */
export function optionsText(options: PublishOptions, nowMs: number): string {
  const { key, keyScope, priority, publisher, traceparent } = options;
  const expiresAtMs = expiryOf(options, nowMs);
  let text = '';
  if (expiresAtMs !== undefined) text += `"expiresAt":"${new Date(expiresAtMs).toISOString()}",`;
  if (key !== undefined) text += `"key":"${checkKey(key)}",`;
  if (keyScope !== undefined) {
    assertOption(KEY_SCOPES.includes(keyScope), { keyScope }, 'the text "publisher"');
    text += `"keyScope":"${keyScope}",`;
  }
  if (priority !== undefined) {
    assertOption(PRIORITIES.includes(priority), { priority }, 'low, normal or high');
    text += `"priority":"${priority}",`;
  }
  if (publisher !== undefined) {
    assertOption(isSubscriber(publisher), { publisher }, `a text of ${SUBSCRIBER_RULE}`);
    text += `"publisher":${JSON.stringify(publisher)},`;
  }
  if (traceparent !== undefined) {
    const isTrace = typeof traceparent === 'string' && TRACEPARENT.test(traceparent);
    assertOption(isTrace, { traceparent }, 'a W3C traceparent of version 00');
    text += `"traceparent":"${traceparent}",`;
  }
  return text;
}

/** Reads from stored JSON the options that decide whether a reader still receives the entry. */
export function optionsOf(json: string): EntryOptions {
  const stored = storedOptions(json);
  if (!stored) return NONE;
  const { expiresAt, key } = stored;
  const expiresAtMs = typeof expiresAt === 'string' ? Date.parse(expiresAt) : NaN;
  return {
    ...(!Number.isNaN(expiresAtMs) && { expiresAtMs }),
    ...(typeof key === 'string' && { collapseKey: collapseKey(key, stored) }),
  };
}

/** A key contains no space, so a limited key never equals a key without a scope. */
function collapseKey(key: string, { keyScope, publisher = '' }: Readonly<Record<string, unknown>>): string {
  return keyScope === 'publisher' ? `${key} ${String(publisher)}` : key;
}

/** Reads the trace of stored JSON, for the spans of its deliveries. */
export function traceparentOf(json: string): string | undefined {
  const traceparent = storedOptions(json)?.traceparent;
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined;
}

/**
 * Reads the options of stored JSON without parsing its data. The text of the options ends at the
 * first `"data":` after `time`: a JSON string cannot contain this text, because its quotes are
 * escaped. If another program wrote the fields in another order, the options are ignored.
 */
function storedOptions(json: string): Readonly<Record<string, unknown>> | undefined {
  const time = json.indexOf(',"time":"');
  const start = json.indexOf('",', time + ',"time":"'.length) + 2;
  if (json.startsWith('"data":', start)) return undefined;
  const end = json.indexOf('"data":', start);
  if (time < 0 || end <= start) return undefined;
  try {
    return JSON.parse(`{${json.slice(start, end - 1)}}`) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function expiryOf({ ttlMs, expiresAt }: PublishOptions, nowMs: number): number | undefined {
  if (ttlMs !== undefined && expiresAt !== undefined) {
    throw new NotificationsError('option_invalid', 'ttlMs and expiresAt exclude each other; set one of them');
  }
  if (ttlMs !== undefined) {
    const isTtl = Number.isInteger(ttlMs) && ttlMs >= 1 && ttlMs <= TTL_MS_MAX;
    assertOption(isTtl, { ttlMs }, `a whole number from 1 to ${TTL_MS_MAX}`);
    return nowMs + ttlMs;
  }
  if (expiresAt === undefined) return undefined;
  const expiresAtMs = timeOf(expiresAt);
  assertOption(!Number.isNaN(expiresAtMs), { expiresAt }, 'a Date, or a text such as 2026-12-24T18:00:00Z');
  const isNext = expiresAtMs > nowMs && expiresAtMs <= nowMs + TTL_MS_MAX;
  assertOption(isNext, { expiresAt }, 'a time in the next ten years');
  return expiresAtMs;
}

function timeOf(value: unknown): number {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : NaN;
}

/** @throws NotificationsError that names the option and shows the start of its value */
function assertOption(isValid: boolean, option: Readonly<Record<string, unknown>>, expected: string): void {
  if (isValid) return;
  const [[name, value] = []] = Object.entries(option);
  throw new NotificationsError('option_invalid', `${name} is ${shown(value)}; it must be ${expected}`);
}

/** The start of a value, for an error message. The value may have any type and any length. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === 'number' || value === null) return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString();
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
