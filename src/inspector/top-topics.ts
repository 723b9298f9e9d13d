import { isReading } from '../nest/context.js';
import type { TopTopic, TopTopics } from './inspector-report.js';
import type { FeedRecorder } from './recording/feed-recorder.js';

/** The maximum number of topics in a list. */
export const TOP_TOPICS_MAX = 20;
/** The maximum number of topics with waiters that one report reads, in some milliseconds. */
export const SCANNED_TOPICS_MAX = 20_000;

type Counted = readonly [topic: string, count: number];

/** The topics with the most notifications, and with the most waiters. */
export function topTopicsOf({ topics, context }: FeedRecorder): TopTopics {
  const published = highest(topics.perMinute());
  const waiters = new Map<string, number>();
  const open = isReading(context) ? context.feed.waitersByTopic() : [];
  const scanned = highest(counted(open, new Set(published.map(([topic]) => topic)), waiters));
  const isComplete = !isReading(context) || context.feed.counts().topics <= SCANNED_TOPICS_MAX;
  const rateOf = (topic: string): number => Number(topics.perMinuteOf(topic).toPrecision(4));
  return {
    byPublishes: published.map(([topic]) => topTopic(topic, rateOf(topic), waiters.get(topic) ?? 0)),
    byWaiters: scanned.map(([topic, count]) => topTopic(topic, rateOf(topic), count)),
    complete: isComplete,
  };
}

function topTopic(topic: string, publishesPerMinute: number, waiters: number): TopTopic {
  return { topic, publishesPerMinute, waiters };
}

/** Passes the first topics on, and keeps the counts of the wanted ones. */
function* counted(all: Iterable<Counted>, wanted: ReadonlySet<string>, kept: Map<string, number>): Iterable<Counted> {
  let seen = 0;
  for (const one of all) {
    if (seen++ >= SCANNED_TOPICS_MAX) return;
    if (wanted.has(one[0])) kept.set(...one);
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
