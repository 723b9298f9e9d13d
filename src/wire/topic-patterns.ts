import { decodeSegment } from './topic-of.js';

/**
 * The values of a pattern's parameters. Each is a decoded segment of the topic (see
 * `decodeSegment`).
 */
export type TopicParams = Readonly<Record<string, string>>;

interface Pattern<T> {
  readonly segments: readonly string[];
  readonly value: T;
}

/** The pattern that matches a topic, with its parameters. */
export interface TopicMatch<T> {
  readonly value: T;
  readonly params: TopicParams;
}

const SEPARATOR = '.';
const REST = '*';
const LITERAL = /^[A-Za-z0-9_:@/~=-]+$/;
const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Patterns of topics. Dots separate their segments. `user.:id` has a parameter, which matches one
 * whole segment. `org.:org.*` matches one or more segments after the parameter. If several patterns
 * match, the most specific one applies. They are compared segment by segment: a literal is more
 * specific than a parameter, and a parameter is more specific than `*`.
 *
 * The value of a parameter is the decoded segment. A segment that `topicOf` cannot produce matches
 * no parameter. So two topics never yield the same value. A rule that compares an id with this
 * value allows exactly one topic.
 *
 * A topic is split once and compared segment by segment with every pattern. The cost is linear in
 * its length.
 */
export class TopicPatterns<T> {
  readonly #patterns: readonly Pattern<T>[];

  /** @throws Error that names the pattern and the reason */
  constructor(patterns: Readonly<Record<string, T>>) {
    this.#patterns = Object.entries(patterns)
      .map(([text, value]) => ({ segments: segmentsOf(text), value }))
      .sort((a, b) => compare(a.segments, b.segments));
    this.#patterns.forEach(({ segments }, at) => {
      const before = this.#patterns[at - 1];
      if (before && compare(before.segments, segments) === 0) {
        throw new Error(`the patterns ${before.segments.join('.')} and ${segments.join('.')} match the same topics`);
      }
    });
  }

  match(topic: string): TopicMatch<T> | undefined {
    const parts = topic.split(SEPARATOR);
    for (const { segments, value } of this.#patterns) {
      const params = matchSegments(segments, parts);
      if (params) return { value, params };
    }
    return undefined;
  }
}

/**
 * Checks a pattern by which a log is indexed. Such a pattern has literal segments and then `*`, but
 * no parameters.
 * @throws Error that names the pattern and the reason
 */
export function checkIndexedPattern(pattern: string): void {
  const segments = segmentsOf(pattern);
  if (segments.some(isParameter)) throw wrong(pattern, 'it must not have a parameter');
  if (segments.at(-1) !== REST) throw wrong(pattern, 'its last segment must be *');
}

function segmentsOf(pattern: string): readonly string[] {
  const segments = pattern.split(SEPARATOR);
  const names = segments.filter(isParameter);
  segments.forEach((segment, at) => {
    if (segment === REST && at !== segments.length - 1) throw wrong(pattern, '* may only be the last segment');
    if (segment === REST || PARAMETER.test(segment)) return;
    if (isParameter(segment)) throw wrong(pattern, `"${segment}" is not a valid parameter name`);
    if (!LITERAL.test(segment))
      throw wrong(pattern, 'each segment must have one or more letters, digits and _ : @ / ~ = -');
  });
  const repeated = names.find((name, at) => names.indexOf(name) !== at);
  if (repeated !== undefined) throw wrong(pattern, `the parameter "${repeated.slice(1)}" occurs twice`);
  return segments;
}

function wrong(pattern: string, why: string): Error {
  return new Error(`the pattern ${JSON.stringify(pattern)} cannot be used: ${why}`);
}

function isParameter(segment: string): boolean {
  return segment.startsWith(':');
}

function matchSegments(segments: readonly string[], parts: readonly string[]): TopicParams | undefined {
  const open = segments.at(-1) === REST;
  if (open ? parts.length < segments.length : parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const part = parts[at] ?? '';
    if (segment === REST) return params;
    if (!isParameter(segment)) {
      if (segment !== part) return undefined;
      continue;
    }
    // An empty segment is not a value: `user.` must not be the topic of a user without a name.
    const value = decodeSegment(part);
    if (value === undefined) return undefined;
    params[segment.slice(1)] = value;
  }
  return params;
}

/** Sorts more specific patterns first. 0 for two patterns that match the same topics. */
function compare(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = rank(a[at]) - rank(b[at]);
    if (difference !== 0) return difference;
    const [left = '', right = ''] = [a[at], b[at]];
    if (rank(left) === 0 && left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

function rank(segment: string | undefined): number {
  if (segment === undefined) return 3;
  if (segment === REST) return 2;
  return isParameter(segment) ? 1 : 0;
}
