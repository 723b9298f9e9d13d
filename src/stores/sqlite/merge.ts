import type { HistoryQuery, ReadQuery } from '../../core/store.js';

/** The position of an entry, and the length of its JSON. */
export interface Place {
  readonly position: number;
  readonly bytes: number;
}

export interface Merged {
  readonly positions: readonly number[];
  readonly more: boolean;
}

/** The next positions of one topic, in the direction of the page, at most `count`. */
export type TopicPlaces = (topic: string, from: number, count: number) => readonly Place[];

/** Read of a topic at once at least, as a query costs more than a row. */
const ROWS_MIN = 8;

interface Run {
  readonly topic: string;
  places: readonly Place[];
  index: number;
}

/**
 * Chooses the entries of a page: the positions of all topics, merged in order. Both bounds limit
 * the page, but it has at least one entry. Each topic is read only up to the end of the page. So
 * the cost is the size of the page, and a few positions of each topic.
 */
export function mergeTopics(query: ReadQuery | HistoryQuery, read: TopicPlaces): Merged {
  const [from, step] = query.before === undefined ? [query.after, 1] : [query.before, -1];
  const topics = [...new Set(query.topics)];
  // One more than fits shows that there are more.
  const share = Math.max(ROWS_MIN, Math.ceil((2 * query.limit) / topics.length));
  const count = Math.min(query.limit + 1, share);
  const runs = topics.map((topic): Run => ({ topic, places: read(topic, from, count), index: 0 }));
  const positions: number[] = [];
  let bytes = 0;
  for (;;) {
    const run = nextOf(runs, step);
    const place = run?.places[run.index];
    if (!run || !place) return { positions, more: false };
    bytes += place.bytes;
    if (positions.length >= query.limit || (positions.length > 0 && bytes > query.bytesMax)) {
      return { positions, more: true };
    }
    positions.push(place.position);
    run.index++;
    if (run.index === run.places.length && run.places.length === count) {
      run.places = read(run.topic, place.position, count);
      run.index = 0;
    }
  }
}

/** The run with the lowest next position if `step` is 1, with the highest if it is -1. */
function nextOf(runs: readonly Run[], step: number): Run | undefined {
  let best: Run | undefined;
  let bestPosition = step * Infinity;
  for (const run of runs) {
    const position = run.places[run.index]?.position;
    if (position !== undefined && (position - bestPosition) * step < 0) [best, bestPosition] = [run, position];
  }
  return best;
}
