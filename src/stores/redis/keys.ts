/**
 * The keys of a log. They share a hash tag, so that a Cluster keeps them in one slot. A script
 * lists every key whose content it relies on. While the slot moves to another node, the engine
 * rejects a call if a listed key has not arrived. A key that is not listed would look empty.
 */

/** The first keys of every script: state, entries, and the two generations of ids. */
export function logKeys(prefix: string): string[] {
  return ['meta', 'log', 'ids:0', 'ids:1'].map((name) => `{${prefix}}:${name}`);
}

/** The index of each topic. */
export function indexKeys(prefix: string, topics: Iterable<string>): string[] {
  return Array.from(topics, (topic) => `{${prefix}}:t:${topic}`);
}

export function claimKeys(prefix: string, groups: number): string[] {
  return Array.from({ length: groups }, (_, group) => `{${prefix}}:claims:${group}`);
}
