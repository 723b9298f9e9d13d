import { NotificationsError } from '../core/errors.js';
import type { PublishItem } from '../core/draft.js';
import { checkId, checkTopic, checkType } from '../core/names.js';
import { CALLER_OPTIONS, type PublishOptions } from '../core/publish-options.js';
import { fieldsOf } from './body.js';

/**
 * The bounds of one publish. Their defaults and reasons are documented with the module's options.
 */
export interface PublishLimits {
  readonly notificationsMax: number;
}

const ITEM_FIELDS: readonly string[] = ['topic', 'type', 'data', 'id', ...CALLER_OPTIONS];

/**
 * Parses the JSON body of a `POST /notifications`: one item or an array of items.
 * @throws NotificationsError that names the item and the field
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

/** Runs a check of one item. With several items, an error names the index. */
export function inItem<T>(count: number, index: number, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (count === 1 || !(error instanceof NotificationsError)) throw error;
    throw new NotificationsError(error.code, `item ${index}: ${error.message}`, { cause: error });
  }
}

function parseItem(value: unknown): PublishItem {
  const fields = fieldsOf(value, ITEM_FIELDS, 'an object with topic, type and data');
  const { topic, type, data, id, ...options } = fields;
  return {
    topic: checkTopic(topic),
    type: checkType(type),
    data,
    id: id === undefined ? undefined : checkId(id),
    // `makeDraft` checks the options, because application code passes them too.
    ...(options as PublishOptions),
  };
}
