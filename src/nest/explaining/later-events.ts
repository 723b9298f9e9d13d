import { abilitiesOf } from '../../core/abilities.js';
import { ERASURES, erasedTopicsOf } from '../../core/erasure.js';
import type { LogEntry, Notification } from '../../core/notification.js';
import { optionsOf } from '../../core/publish-options.js';
import { isRetraction, retractionIdOf, retractionOf } from '../../core/retraction.js';
import { isReading, type PublishContext } from '../context.js';
import type { StoryEvent } from './notification-story.js';
import { searchTopic } from './topic-search.js';

/** The events after the publish of a notification. */
export interface LaterEvents {
  readonly events: readonly StoryEvent[];
  /** False if a search has ended at its limit, so that an event may be missing. */
  readonly isComplete: boolean;
}

const NONE: LaterEvents = { events: [], isComplete: true };

/** The events that made a notification unavailable: expiry, replacement, retraction, erasure. */
export async function laterEvents(context: PublishContext, entry: LogEntry): Promise<LaterEvents> {
  const { expiresAtMs, collapseKey } = optionsOf(entry.json);
  const hasExpired = expiresAtMs !== undefined && expiresAtMs <= context.clock.now();
  const expired: readonly StoryEvent[] = hasExpired
    ? [{ type: 'expired', time: new Date(expiresAtMs).toISOString() }]
    : [];
  const found = await Promise.all([
    collapseKey === undefined ? NONE : superseding(context, entry, collapseKey),
    retraction(context, entry),
    erasure(context, { topic: entry.topic, after: entry.position }),
  ]);
  return {
    events: [...expired, ...found.flatMap(({ events }) => events)],
    isComplete: found.every(({ isComplete }) => isComplete),
  };
}

/** The erasure of a topic after a position. */
export async function erasure(
  { unobserved: store }: PublishContext,
  { topic, after }: { readonly topic: string; readonly after: number },
): Promise<LaterEvents> {
  const { found, isComplete } = await searchTopic(store, { topic: ERASURES, after }, (record) =>
    erasedTopicsOf(record).includes(topic),
  );
  return { events: found ? [{ type: 'erased', time: timeOf(found) }] : [], isComplete };
}

async function superseding(
  { unobserved: store }: PublishContext,
  entry: LogEntry,
  collapseKey: string,
): Promise<LaterEvents> {
  const { topic, position: after } = entry;
  const { found, isComplete } = await searchTopic(
    store,
    { topic, after },
    (later) => !isRetraction(later) && optionsOf(later.json).collapseKey === collapseKey,
  );
  if (!found) return { events: [], isComplete };
  const { time, key } = JSON.parse(found.json) as Notification & { readonly key: string };
  return { events: [{ type: 'superseded', time, by: found.id, key }], isComplete };
}

/** A node that serves reads knows all retractions of the log, but not their times. */
async function retraction(context: PublishContext, entry: LogEntry): Promise<LaterEvents> {
  const isKnown = isReading(context) ? await context.feed.isRetracted(entry) : undefined;
  if (isKnown === false) return NONE;
  const { found, isComplete } = await retractionRecord(context, entry);
  if (found) return { events: [{ type: 'retracted', time: timeOf(found) }], isComplete };
  return isKnown ? { events: [{ type: 'retracted' }], isComplete: true } : { events: [], isComplete };
}

async function retractionRecord(
  { unobserved: store }: PublishContext,
  entry: LogEntry,
): ReturnType<typeof searchTopic> {
  const { id, topic, position: after } = entry;
  const [position = 0] = (await abilitiesOf(store).positionsOf?.([await retractionIdOf(entry)])) ?? [];
  if (position > after) {
    const { entries } = await store.read({ topics: [topic], after: position - 1, limit: 1, bytesMax: 1 });
    if (entries[0] && retractionOf(entries[0])?.id === id) return { found: entries[0], isComplete: true };
  }
  return searchTopic(store, { topic, after }, (later) => retractionOf(later)?.id === id);
}

/** The time in the stored JSON of an entry. */
function timeOf({ json }: LogEntry): string {
  return String((JSON.parse(json) as { time?: unknown }).time);
}
