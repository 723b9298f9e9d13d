import { abilitiesOf } from '../../core/abilities.js';
import type { LogEntry } from '../../core/notification.js';
import { END_OF_LOG, type Epoch, type Store } from '../../core/store.js';
import { isReading, type PublishContext } from '../context.js';
import type { StoryReason } from './notification-story.js';
import { searchTopic } from './topic-search.js';

/** A notification that the log still has. */
export interface FoundNotification {
  readonly entry: LogEntry;
  readonly epoch: Epoch;
}

/** A notification that was not found. */
export interface MissingNotification {
  readonly entry?: undefined;
  readonly status: 'trimmed' | 'topic_needed' | 'unknown';
  readonly reasons: readonly StoryReason[];
  /** The position of the notification; 0 if it is not known. */
  readonly position: number;
}

/** The id of a notification, and its topic if the caller knows it. */
export interface SoughtNotification {
  readonly id: string;
  readonly topic: string | undefined;
}

type OnTopic = SoughtNotification & { readonly topic: string };

/**
 * Finds a notification: in the window, by the lookup of the store, or by a search of its topic. A
 * store finds entries by topic only, so an old notification needs its topic.
 */
export async function findNotification(
  context: PublishContext,
  { id, topic }: SoughtNotification,
): Promise<FoundNotification | MissingNotification> {
  const { unobserved: store } = context;
  if (isReading(context)) {
    const entry = context.feed.find(id);
    const isOther = topic !== undefined && topic !== entry?.topic;
    if (entry && isOther) return missing('unknown', ['other_topic'], entry.position);
    if (entry) return { entry, epoch: context.feed.window.epoch };
  }
  const { positionsOf } = abilitiesOf(store);
  const [position = 0] = (await positionsOf?.([id])) ?? [];
  const { trimmed } = await store.read(END_OF_LOG);
  if (topic === undefined) {
    if (position === 0) return missing('unknown', positionsOf ? ['never_published', 'id_forgotten'] : ['no_lookup']);
    return position <= trimmed
      ? missing('trimmed', ['trimmed'], position)
      : missing('topic_needed', ['topic_needed', 'erased'], position);
  }
  return position > 0 ? atPosition(store, { id, topic }, position) : onTopic(store, { id, topic }, trimmed);
}

/** Reads the notification at the position that the lookup has returned. */
async function atPosition(
  store: Store,
  { id, topic }: OnTopic,
  position: number,
): Promise<FoundNotification | MissingNotification> {
  const query = { topics: [topic], after: position - 1, limit: 1, bytesMax: 1 };
  const { entries, trimmed, epoch } = await store.read(query);
  const [entry] = entries;
  if (entry?.id === id) return { entry, epoch };
  return position <= trimmed
    ? missing('trimmed', ['trimmed'], position)
    : missing('unknown', ['other_topic', 'erased'], position);
}

/** Searches the topic, because the store does not know the id. */
async function onTopic(
  store: Store,
  { id, topic }: OnTopic,
  trimmed: number,
): Promise<FoundNotification | MissingNotification> {
  const { found, isComplete } = await searchTopic(store, { topic, after: 0 }, (entry) => entry.id === id);
  if (found) return { entry: found, epoch: (await store.read(END_OF_LOG)).epoch };
  const reasons: readonly StoryReason[] = [
    ...(['never_published', 'other_topic', 'erased'] as const),
    ...(trimmed > 0 ? (['trimmed'] as const) : []),
    ...(isComplete ? [] : (['search_limit'] as const)),
  ];
  return missing('unknown', reasons);
}

function missing(
  status: MissingNotification['status'],
  reasons: readonly StoryReason[],
  position = 0,
): MissingNotification {
  return { status, reasons, position };
}
