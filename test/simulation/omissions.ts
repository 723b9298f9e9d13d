import type { Answer, Place } from '../support/history/history.js';
import type { World } from './world.js';

interface Passed {
  readonly from: Place | undefined;
  readonly place: Place;
  readonly topics: readonly string[];
  readonly seen: Answer['notifications'];
}

/** Counts the kept notifications between two positions that an answer leaves out. */
export function countOmissions({ engine, publishes, clock, counters }: World, { from, place, topics, seen }: Passed) {
  if (from?.log !== place.log) return;
  const ids = new Set(seen.map(({ id }) => id));
  for (const { id, topic, position, trimmedMs, erasedMs } of engine.truth.get(place.log) ?? []) {
    const isPassed = position > from.position && position <= place.position && topics.includes(topic);
    const publish = publishes.get(id);
    if (!isPassed || ids.has(id) || trimmedMs !== undefined || !publish) continue;
    if (erasedMs !== undefined) counters.erasedLeftOut++;
    else if ((publish.expiresMs ?? Infinity) <= clock.now()) counters.expiredLeftOut++;
    else if (publish.retractedBy !== undefined) counters.retractedLeftOut++;
    else if (publish.key !== undefined) counters.replacedLeftOut++;
  }
}
