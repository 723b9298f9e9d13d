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

/** The least number of rows that one read of a topic takes, as a query costs more than a row. */
const ROWS_MIN = 8;

interface Run {
  readonly topic: string;
  places: readonly Place[];
  index: number;
}

/**
 * Chooses the entries of a page: merges the positions of all topics, in order. Both bounds limit
 * the page, but it has at least one entry. Each topic is read only up to the end of the page. So
 * the cost depends on the size of the page, plus a few positions for each topic.
 */
export function mergeTopics(query: ReadQuery | HistoryQuery, read: TopicPlaces): Merged {
  const [from, step] = query.before === undefined ? [query.after, 1] : [query.before, -1];
  const topics = [...new Set(query.topics)];
  // One entry more than the page can hold shows that more entries exist.
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

/**
 * The run with the lowest next position if `step` is 1, or with the highest one if `step` is -1.
 */
function nextOf(runs: readonly Run[], step: number): Run | undefined {
  let best: Run | undefined;
  let bestPosition = step * Infinity;
  for (const run of runs) {
    const position = run.places[run.index]?.position;
    if (position !== undefined && (position - bestPosition) * step < 0) [best, bestPosition] = [run, position];
  }
  return best;
}
