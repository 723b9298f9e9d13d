import { RESERVED_TOPIC_PREFIX } from './revocation.js';

/**
 * The maximum number of patterns by which a log is indexed. Each append compares its topics with
 * all of them, and each match costs one more index entry.
 */
export const PATTERNS_MAX = 16;

const REST = '*';

/** Whether a name is a pattern. A topic cannot contain `*`, so a name is never both. */
export function isPattern(name: string): boolean {
  return name.endsWith(REST);
}

/** The beginning that all topics of a pattern share. */
export function prefixOf(pattern: string): string {
  return pattern.slice(0, -REST.length);
}

/**
 * Whether a pattern matches a topic. It also matches a narrower pattern: `orders.*` covers
 * `orders.eu.*`. The library's own records match no pattern.
 */
export function covers(pattern: string, topic: string): boolean {
  return topic.startsWith(prefixOf(pattern)) && !topic.startsWith(RESERVED_TOPIC_PREFIX);
}

/** Whether a name of a request includes a topic: it is this topic, or a pattern that matches it. */
export function includesTopic(name: string, topic: string): boolean {
  return name === topic || (isPattern(name) && covers(name, topic));
}

/** Whether a request for these names reads one of the topics. */
export function readsAny(names: readonly string[], topics: readonly string[]): boolean {
  return names.some((name) => topics.some((topic) => includesTopic(name, topic)));
}

/**
 * Removes names that another pattern of the list covers. Two patterns either match no common topic,
 * or one covers the other. So afterwards each topic matches at most one name, and a read returns
 * each entry once.
 */
export function disjointNames(names: readonly string[]): readonly string[] {
  const patterns = names.filter(isPattern);
  if (patterns.length === 0) return names;
  return names.filter((name) => !patterns.some((pattern) => pattern !== name && covers(pattern, name)));
}

/** A pattern by which a log is indexed. */
export interface IndexedPattern {
  readonly name: string;
  /** The index has all entries after this position. */
  readonly since: number;
}

/**
 * Returns the patterns of a log after a declaration, for drivers. Declared patterns move to the end
 * of the list; a pattern that was declared before keeps its `since`. Beyond `PATTERNS_MAX`, the
 * patterns that were declared longest ago are dropped.
 *
 * @param head the head of the log, at which new patterns begin
 */
export function afterDeclaration(
  indexed: readonly IndexedPattern[],
  declared: readonly string[],
  head: number,
): readonly IndexedPattern[] {
  const names = [...new Set(declared)];
  const others = indexed.filter(({ name }) => !names.includes(name));
  const added = names.map((name) => ({ name, since: indexed.find((one) => one.name === name)?.since ?? head }));
  return [...others, ...added].slice(-PATTERNS_MAX);
}

/**
 * For drivers: the position after which the index is complete for all names of a read.
 */
export function completeAfter(indexed: readonly IndexedPattern[], names: readonly string[], head: number): number {
  const positions = names
    .filter(isPattern)
    .map((pattern) => indexed.find(({ name }) => name === pattern)?.since ?? head);
  return Math.max(0, ...positions);
}
