/**
 * The same limit as `checkTopic` of the core. The client includes this file, so it imports nothing.
 */
const TOPIC_LENGTH_MAX = 200;
const SEPARATOR = '.';
/** Escapes one byte of UTF-8, as `%` does in a URL. */
const ESCAPE = '~';
/**
 * Characters that a segment may have. All others are escaped, also the separator and the escape
 * character.
 */
const PLAIN = /^[A-Za-z0-9_:@/=-]+$/;

/** A part of a topic. A number is written in decimal. */
export type TopicPart = string | number | bigint;

/**
 * The topic of an object with an id: `topicOf('user', id)`. The id may be any text. Each part after
 * the prefix becomes one segment between dots. Dots, `~` and characters that a topic cannot have
 * are escaped as `~` and two hex digits per byte. Letters, digits and `_ : @ / = -` are not
 * escaped. Different ids never have the same topic.
 *
 * ```ts
 * topicOf('user', 'ann'); // user.ann
 * topicOf('user', 'auth0|5f'); // user.auth0~7C5f
 * topicOf('org', orgId, 'member', userId);
 * ```
 *
 * In access rules the pattern `user.:id` yields the decoded id, so `id === subscriber` holds for
 * every id.
 *
 * @param prefix - The constant beginning of the topic. It is not escaped, so never build it from
 *   input.
 * @throws TypeError if a part is empty, is neither a text nor a number, or has half of a surrogate
 *   pair
 * @throws RangeError if the topic has more than 200 characters
 */
export function topicOf<const Prefix extends string>(
  prefix: Prefix,
  ...parts: readonly [TopicPart, ...TopicPart[]]
): `${Prefix}.${string}` {
  const topic = `${prefix}.${parts.map(encodeSegment).join(SEPARATOR)}` as const;
  if (topic.length > TOPIC_LENGTH_MAX) {
    throw new RangeError(`the topic has ${topic.length} characters, at most ${TOPIC_LENGTH_MAX} are allowed`);
  }
  return topic;
}

/**
 * The segments of a topic, decoded: `parseTopic(topicOf('user', id))` is `['user', id]`. A segment
 * that `topicOf` cannot produce is returned unchanged.
 */
export function parseTopic(topic: string): readonly string[] {
  return topic.split(SEPARATOR).map((segment) => decodeSegment(segment) ?? segment);
}

/**
 * The text that `topicOf` encodes as this segment. Undefined if there is no such text. Each text
 * has exactly one segment, and each segment has at most one text.
 */
export function decodeSegment(segment: string): string | undefined {
  if (PLAIN.test(segment)) return segment;
  if (!segment.includes(ESCAPE)) return undefined;
  try {
    const text = decodeURIComponent(segment.replaceAll(ESCAPE, '%'));
    return encodeSegment(text) === segment ? text : undefined;
  } catch {
    return undefined;
  }
}

function encodeSegment(part: TopicPart): string {
  // JavaScript callers may pass any type. Without this check, `undefined` would give all users the
  // same topic.
  if (!['string', 'number', 'bigint'].includes(typeof part) || part === '') {
    throw new TypeError(`a part of a topic is ${part === '' ? 'empty' : typeof part}, must be a text or a number`);
  }
  const text = String(part);
  return PLAIN.test(text) ? text : escaped(text);
}

function escaped(text: string): string {
  // `encodeURIComponent` does not escape these characters, so escape them first. Then restore the
  // characters that a segment may have.
  const asUrl = encodeURIComponent(text).replace(
    /[.!~*'()]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return asUrl.replace(/%(3A|40|2F|3D)/g, (code) => decodeURIComponent(code)).replaceAll('%', ESCAPE);
}
