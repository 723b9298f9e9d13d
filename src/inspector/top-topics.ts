import { isReading } from '../nest/context.js';
import type { TopTopic, TopTopics } from './inspector-report.js';
import type { FeedRecorder } from './recording/feed-recorder.js';

/** The maximum number of topics in a list. */
export const TOP_TOPICS_MAX = 20;
/** A report reads at most this number of topics with waiters. This takes some milliseconds. */
export const SCANNED_TOPICS_MAX = 20_000;

type Counted = readonly [topic: string, count: number];

/** The topics with the most notifications, and with the most waiters. */
export function topTopicsOf({ topics, context }: FeedRecorder): TopTopics {
  const feed = isReading(context) ? context.feed : undefined;
  const published = highest(topics.perMinute()).map(([topic]) => topic);
  const waiters = feed?.waitersByTopic(published) ?? published.map((topic) => [topic, 0] as const);
  const topTopic = ([topic, count]: Counted): TopTopic => ({
    topic,
    publishesPerMinute: Number(topics.perMinuteOf(topic).toPrecision(4)),
    waiters: count,
  });
  return {
    byPublishes: [...waiters].map(topTopic),
    byWaiters: highest(first(feed?.waitersByTopic() ?? [])).map(topTopic),
    complete: !feed || feed.counts().topics <= SCANNED_TOPICS_MAX,
  };
}

/** At most `SCANNED_TOPICS_MAX` topics. */
function* first(all: Iterable<Counted>): Iterable<Counted> {
  let seen = 0;
  for (const one of all) {
    if (seen++ >= SCANNED_TOPICS_MAX) return;
    yield one;
  }
}

/** The highest counts, in descending order. */
function highest(all: Iterable<Counted>): readonly Counted[] {
  const list: Counted[] = [];
  for (const one of all) {
    if (list.length >= TOP_TOPICS_MAX && one[1] <= (list.at(-1)?.[1] ?? 0)) continue;
    const index = list.findIndex(([, count]) => count < one[1]);
    list.splice(index < 0 ? list.length : index, 0, one);
    if (list.length > TOP_TOPICS_MAX) list.pop();
  }
  return list;
}
