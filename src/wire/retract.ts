import { NotificationsError } from '../core/errors.js';
import { checkId, checkTopic } from '../core/names.js';
import type { Retraction } from '../core/retraction.js';
import { queryOf, single } from './request.js';

/**
 * Parses the URL of `DELETE /notifications/:id?topic=orders`.
 * @throws NotificationsError `id_invalid`, `topic_missing`, `topic_invalid` or `topics_too_many`
 */
export function parseRetraction(url: string): Retraction {
  const topic = single(new URLSearchParams(queryOf(url)), 'topic', 'topics_too_many');
  if (topic === undefined) {
    throw new NotificationsError(
      'topic_missing',
      'topic is missing: name the topic of the notification, as in ?topic=orders',
    );
  }
  return { id: checkId(idOf(url)), topic: checkTopic(topic) };
}

/** The last segment of the path, decoded. Undefined if it is not valid percent-encoding. */
function idOf(url: string): string | undefined {
  const [path = ''] = url.split('?', 1);
  const [segment = ''] = /[^/]*(?=\/?$)/.exec(path) ?? [];
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
