import { NotificationsError } from '../core/errors.js';

/** Characters of an unknown name in an error message. */
const NAME_SHOWN_MAX = 40;

/**
 * Returns the fields of an object in a JSON body.
 * @param expected completes the sentence "expected …"
 * @throws NotificationsError `body_invalid` if the body is not an object, or has an unknown field
 */
export function fieldsOf(
  value: unknown,
  known: readonly string[],
  expected: string,
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NotificationsError('body_invalid', `expected ${expected}`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return value as Readonly<Record<string, unknown>>;
  const name = JSON.stringify(unknown.slice(0, NAME_SHOWN_MAX));
  throw new NotificationsError('body_invalid', `unknown field ${name}; the known fields are ${known.join(', ')}`);
}
