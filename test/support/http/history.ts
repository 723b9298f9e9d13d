/** A notification as the loss check sees it: the `n`-th of all that were published. */
export interface Numbered {
  readonly topic: string;
  readonly n: number;
}

/** What one client asked for and what it got, in the order in which it got it. */
export interface ClientHistory {
  readonly topics: readonly string[];
  readonly received: readonly Numbered[];
}

/**
 * What is wrong with a client's history: every notification of its topics has to be in it exactly once, in the order in
 * which they were published, and nothing else. Empty if nothing is.
 */
export function problemsOf(published: readonly Numbered[], client: ClientHistory): string[] {
  const { topics, received } = client;
  const known = new Map(published.map((notification) => [notification.n, notification.topic]));
  const seen = new Set<number>();
  const problems: string[] = [];
  let newest = -Infinity;
  for (const { topic, n } of received) {
    if (known.get(n) !== topic) problems.push(`${topic} ${n} was never published`);
    else if (!topics.includes(topic)) problems.push(`${topic} ${n} was not asked for`);
    else if (seen.has(n)) problems.push(`${topic} ${n} came twice`);
    else if (n < newest) problems.push(`${topic} ${n} came after ${newest}`);
    seen.add(n);
    newest = Math.max(newest, n);
  }
  for (const { topic, n } of published) {
    if (topics.includes(topic) && !seen.has(n)) problems.push(`${topic} ${n} never came`);
  }
  return problems;
}
