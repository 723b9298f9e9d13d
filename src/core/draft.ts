import { NotificationsError } from './errors.js';
import { checkId, checkTopic, checkType } from './names.js';
import { type Draft, utf8Length } from './notification.js';
import { optionsText, type PublishOptions } from './publish-options.js';

/** One notification to publish. */
export interface PublishItem extends PublishOptions {
  readonly topic: string;
  readonly type: string;
  /** JSON; `null` if absent. */
  readonly data?: unknown;
  /**
   * A repeated publish with the same id appends nothing. If `id` is absent, the library generates
   * one.
   */
  readonly id?: string | undefined;
}

/** Bounds of a notification. */
export interface DraftLimits {
  /** Bytes of the whole notification as JSON. */
  readonly notificationBytesMax: number;
  /** Levels of nesting in its data. */
  readonly dataDepthMax: number;
}

/**
 * 64 KiB: a notification should refer to larger data instead of containing it. 32 levels:
 * application data is rarely nested deeper, and many parsers are recursive.
 */
export const DRAFT_LIMITS: DraftLimits = { notificationBytesMax: 64 * 1024, dataDepthMax: 32 };

/**
 * Makes a draft: checks every field and writes the notification as JSON once.
 * @throws NotificationsError `topic_invalid`, `type_invalid`, `id_invalid`, `option_invalid`,
 *   `data_invalid` or `notification_too_large`
 */
export function makeDraft(item: PublishItem, time: Date, limits: DraftLimits): Draft {
  return new DraftWriter(item, limits).write(item, time);
}

/** Writes drafts of one notification for several topics. Its data is checked and written once. */
export class DraftWriter {
  readonly #item: Omit<PublishItem, 'topic' | 'id'>;
  readonly #limits: DraftLimits;
  #data: string | undefined;

  constructor(item: Omit<PublishItem, 'topic' | 'id'>, limits: DraftLimits) {
    this.#item = item;
    this.#limits = limits;
  }

  /** @throws NotificationsError as `makeDraft` does */
  write(names: Pick<PublishItem, 'topic' | 'id'>, time: Date): Draft {
    const topic = checkTopic(names.topic);
    const type = checkType(this.#item.type);
    const id = checkId(names.id ?? globalThis.crypto.randomUUID());
    const data = (this.#data ??= dataText(this.#item.data, this.#limits));
    const options = optionsText(this.#item, time.getTime());
    // These names contain no character that JSON escapes.
    const head = `{"id":"${id}","topic":"${topic}","type":"${type}","time":"${time.toISOString()}",`;
    const json = `${head}${options}"data":${data}}`;
    const bytes = utf8Length(json);
    const { notificationBytesMax } = this.#limits;
    if (bytes > notificationBytesMax) {
      const message = `the notification has ${bytes} bytes of JSON, at most ${notificationBytesMax} are allowed`;
      throw new NotificationsError('notification_too_large', message);
    }
    return { id, topic, json };
  }
}

/** Writes data as JSON. @throws NotificationsError `data_invalid` */
function dataText(value: unknown, limits: DraftLimits): string {
  const data = stringify(value ?? null);
  // Check the JSON that was written, because a `toJSON` method may have replaced parts of the data.
  if (isSuspect(data, limits)) checkData(JSON.parse(data), limits);
  return data;
}

/**
 * Rejects data that breaks readers: nesting too deep for their parsers, and keys that pollute
 * prototypes when a reader merges the data into an object. It uses an explicit stack, so deep data
 * cannot exhaust the call stack.
 * @throws NotificationsError `data_invalid`
 */
export function checkData(data: unknown, { dataDepthMax }: DraftLimits): void {
  const stack: { value: unknown; depth: number }[] = [{ value: data, depth: 0 }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= dataDepthMax) {
      throw new NotificationsError('data_invalid', `data is nested deeper than ${dataDepthMax} levels`);
    }
    for (const [key, child] of Object.entries(value)) {
      if (key === '__proto__') throw new NotificationsError('data_invalid', 'data has a key __proto__');
      if (key === 'constructor' && hasPrototype(child)) {
        throw new NotificationsError('data_invalid', 'data has a key "constructor" whose value has a key "prototype"');
      }
      stack.push({ value: child, depth: depth + 1 });
    }
  }
}

/**
 * Whether the JSON text needs the full check. Most texts have few brackets and no suspect key, so
 * they pass without the full check. Parsing every text would take as long as writing it.
 */
function isSuspect(json: string, { dataDepthMax }: DraftLimits): boolean {
  const mayPollute = json.includes('"__proto__":') || json.includes('"constructor":');
  return mayPollute || countOf('{', json) + countOf('[', json) > dataDepthMax;
}

/** Merging `{ constructor: { prototype } }` into an object reaches the prototype of all objects. */
function hasPrototype(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

function countOf(character: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}

function stringify(data: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data) as string | undefined;
  } catch (error) {
    throw new NotificationsError('data_invalid', 'data cannot be written as JSON', { cause: error });
  }
  if (json === undefined) throw new NotificationsError('data_invalid', 'data cannot be written as JSON');
  return json;
}
