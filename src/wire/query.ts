import { NotificationsError } from '../core/errors.js';
import { fieldsOf } from './body.js';
import { queryOf, READ_PARAMETERS } from './request.js';

/**
 * The bytes that a body may have for each topic. A name has at most 200 characters; quotes, a comma
 * and spaces need the rest.
 */
const TOPIC_BYTES_MAX = 256;
/** The bytes for the other fields and for spaces. */
const OTHER_BYTES_MAX = 1024;

/** The maximum bytes of a `QUERY /notifications` with this number of topics. */
export function queryBytesMax(topicsMax: number): number {
  return topicsMax * TOPIC_BYTES_MAX + OTHER_BYTES_MAX;
}

/**
 * Converts the JSON body of a `QUERY /notifications` into the equivalent URL query.
 * @param url the URL of the request, which must not have these parameters too
 * @throws NotificationsError `body_invalid` or `topic_missing`
 */
export function queryOfBody(body: unknown, url: string): string {
  assertNoParameters(url);
  const fields = fieldsOf(body, READ_PARAMETERS, `an object with ${READ_PARAMETERS.join(', ')}`);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'topic' && Array.isArray(value)) appendTopics(query, value);
    else if (typeof value === 'string' || (typeof value === 'number' && name !== 'topic')) {
      query.append(name, String(value));
    } else throw wrongField(name);
  }
  return query.toString();
}

function appendTopics(query: URLSearchParams, topics: readonly unknown[]): void {
  if (topics.length === 0) {
    // Without this error, an empty list would read the caller's own topics.
    throw new NotificationsError('topic_missing', 'topic is an empty array; name at least one topic, or leave it out');
  }
  if (topics.some((topic) => typeof topic !== 'string')) throw wrongField('topic');
  query.append('topic', topics.join(','));
}

/** A parameter in the URL would have no effect, so the request is rejected. */
function assertNoParameters(url: string): void {
  const query = new URLSearchParams(queryOf(url));
  const name = READ_PARAMETERS.find((one) => query.has(one));
  if (name === undefined) return;
  throw new NotificationsError('body_invalid', `${name} is in the URL; a QUERY request has it in the body`);
}

function wrongField(name: string): NotificationsError {
  const expected = name === 'topic' ? 'a string or an array of strings' : 'a string or a number';
  return new NotificationsError('body_invalid', `${name} in the body must be ${expected}`);
}
