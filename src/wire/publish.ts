import { NotificationsError } from '../core/errors.js';
import { type Draft, type Notification, utf8Length } from '../core/notification.js';
import { checkId, checkTopic, checkType } from './names.js';

/** Bounds of what may be published; defaults and reasons stand with the module's options. */
export interface PublishLimits {
  readonly notificationBytesMax: number;
  readonly notificationsMax: number;
  readonly dataDepthMax: number;
}

/** One notification to publish. */
export interface PublishItem {
  readonly topic: string;
  readonly type: string;
  /** JSON; `null` if absent. */
  readonly data?: unknown;
  /** Makes a repeat harmless; made up if absent. */
  readonly id?: string | undefined;
}

const ITEM_FIELDS: readonly string[] = ['topic', 'type', 'data', 'id'];

/**
 * Understands the parsed JSON body of a `POST /notifications`: one item or an array of them.
 * @throws NotificationsError naming the item and the field
 */
export function parsePublishBody(body: unknown, limits: PublishLimits): readonly PublishItem[] {
  const values: readonly unknown[] = Array.isArray(body) ? body : [body];
  checkCount(values.length, limits);
  return values.map((value, index) => inItem(values.length, index, () => parseItem(value)));
}

/** @throws NotificationsError `notifications_too_many` or `body_invalid` */
export function checkCount(count: number, { notificationsMax }: PublishLimits): void {
  if (count === 0) throw new NotificationsError('body_invalid', 'an array to publish must not be empty');
  if (count > notificationsMax) {
    const message = `${count} notifications in one publish, at most ${notificationsMax} are allowed`;
    throw new NotificationsError('notifications_too_many', message);
  }
}

/** Runs a check of one item of several, and says which one if it fails. */
export function inItem<T>(count: number, index: number, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (count === 1 || !(error instanceof NotificationsError)) throw error;
    throw new NotificationsError(error.code, `item ${index}: ${error.message}`, { cause: error });
  }
}

/**
 * Makes a draft: checks every field and turns the notification into JSON, once and for all.
 * @throws NotificationsError `topic_invalid`, `type_invalid`, `id_invalid`, `data_invalid` or `notification_too_large`
 */
export function makeDraft(item: PublishItem & { id: string }, time: Date, limits: PublishLimits): Draft {
  const topic = checkTopic(item.topic);
  const type = checkType(item.type);
  const id = checkId(item.id);
  const data = stringify(item.data ?? null);
  // What was written is checked rather than what was given: an object may say with `toJSON` what it is written as.
  checkData(JSON.parse(data), limits);
  const head: Omit<Notification, 'data'> = { id, topic, type, time: time.toISOString() };
  const json = `${JSON.stringify(head).slice(0, -1)},"data":${data}}`;
  const bytes = utf8Length(json);
  if (bytes > limits.notificationBytesMax) {
    const message = `the notification has ${bytes} bytes of JSON, at most ${limits.notificationBytesMax} are allowed`;
    throw new NotificationsError('notification_too_large', message);
  }
  return { id, topic, json };
}

function parseItem(value: unknown): PublishItem {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NotificationsError('body_invalid', 'expected an object with topic, type and data');
  }
  const unknown = Object.keys(value).find((key) => !ITEM_FIELDS.includes(key));
  if (unknown !== undefined) {
    const name = JSON.stringify(unknown.slice(0, 40));
    throw new NotificationsError('body_invalid', `unknown field ${name}: known are ${ITEM_FIELDS.join(', ')}`);
  }
  const { topic, type, data, id } = value as Record<string, unknown>;
  return { topic: checkTopic(topic), type: checkType(type), data, id: id === undefined ? undefined : checkId(id) };
}

/**
 * Refuses what breaks readers: nesting too deep for their parsers' stacks, and keys that pollute prototypes where somebody
 * merges the data into an object. It walks with a stack of its own, so that depth cannot exhaust this one.
 * @throws NotificationsError `data_invalid`
 */
export function checkData(data: unknown, { dataDepthMax }: PublishLimits): void {
  const stack: { value: unknown; depth: number }[] = [{ value: data, depth: 0 }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= dataDepthMax) {
      throw new NotificationsError('data_invalid', `data is nested deeper than ${dataDepthMax} levels`);
    }
    for (const [key, child] of Object.entries(value)) {
      if (key === '__proto__') throw new NotificationsError('data_invalid', 'data has a key __proto__');
      stack.push({ value: child, depth: depth + 1 });
    }
  }
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
