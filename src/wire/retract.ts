import { NotificationsError } from '../core/errors.js';
import { checkId, checkTopic } from '../core/names.js';
import type { Retraction } from '../core/retraction.js';

/**
 * Parses the URL of `DELETE /notifications/:id?topic=orders`.
 * @throws NotificationsError `id_invalid`, `topic_missing`, `topic_invalid` or `topics_too_many`
 */
export function parseRetraction(url: string): Retraction {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const topics = at < 0 ? [] : new URLSearchParams(url.slice(at + 1)).getAll('topic');
  const [topic] = topics;
  if (topic === undefined) {
    throw new NotificationsError(
      'topic_missing',
      'topic is missing: name the topic of the notification, as in ?topic=orders',
    );
  }
  if (topics.length > 1) {
    throw new NotificationsError('topics_too_many', `topic is given ${topics.length} times, once is allowed`);
  }
  return { id: checkId(idOf(path)), topic: checkTopic(topic) };
}

/** The last segment of a path, decoded. Undefined if it is not valid percent-encoding. */
function idOf(path: string): string | undefined {
  const [segment = ''] = /[^/]*(?=\/?$)/.exec(path) ?? [];
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
