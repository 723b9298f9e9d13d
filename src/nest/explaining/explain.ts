import { checkId, checkSubscriber, checkTopic } from '../../core/names.js';
import type { LogEntry, Notification } from '../../core/notification.js';
import { isReading, type PublishContext } from '../context.js';
import { findNotification, type FoundNotification, type MissingNotification } from './find-notification.js';
import { erasure, laterEvents } from './later-events.js';
import type {
  ExplainOptions,
  NotificationStory,
  StoryAccess,
  StoryDeliveries,
  StoryEvent,
  StoryItem,
  StoryNotification,
  StoryStatus,
} from './notification-story.js';

/** The first of these events decides the status. */
const DECIDING = ['erased', 'retracted', 'expired', 'superseded'] as const satisfies readonly StoryStatus[];

const NOT_RECORDED: StoryDeliveries = { recorded: 'unknown', counts: { poll: 0, stream: 0, history: 0 }, list: [] };

/**
 * Explains what happened to a notification, and whether a subscriber receives it.
 * @throws NotificationsError `id_invalid`, `topic_invalid`, `subscriber_invalid` or
 *   `store_unavailable`
 */
export async function explain(
  context: PublishContext,
  id: string,
  { subscriber, topic, data = false }: ExplainOptions,
): Promise<NotificationStory> {
  checkId(id);
  if (topic !== undefined) checkTopic(topic);
  if (subscriber !== undefined) checkSubscriber(subscriber);
  const found = await findNotification(context, { id, topic });
  const known = found.entry?.topic ?? topic;
  const reader = known === undefined ? {} : await readerOf(context, { entry: found.entry, topic: known, subscriber });
  return {
    id,
    ...(found.entry ? await existing(context, found, data) : await missing(context, found, topic)),
    deliveries: deliveriesOf(context, found, subscriber),
    ...reader,
  };
}

type Explained = Pick<NotificationStory, 'status' | 'reasons' | 'notification' | 'events'>;

async function existing(
  context: PublishContext,
  { entry, epoch }: FoundNotification,
  data: boolean,
): Promise<Explained> {
  const stored = JSON.parse(entry.json) as Notification;
  const { events, isComplete } = await laterEvents(context, entry);
  return {
    status: DECIDING.find((name) => events.some(({ type }) => type === name)) ?? 'deliverable',
    reasons: isComplete ? [] : ['search_limit'],
    notification: describe(stored, { bytes: entry.bytes, cursor: context.encoder.seal(epoch, entry.position), data }),
    events: [{ type: 'published', time: stored.time }, ...inOrder(events)],
  };
}

/**
 * An erasure is recorded after the notification, so without a record of the topic it is no reason.
 * With a record, the erasure is only a possible reason, because another topic may have had the
 * notification.
 */
async function missing(
  context: PublishContext,
  { status, reasons, position }: MissingNotification,
  topic: string | undefined,
): Promise<Explained> {
  if (status === 'trimmed') return { status, reasons, events: [{ type: 'trimmed' }] };
  if (topic === undefined) return { status, reasons, events: [] };
  const { events, isComplete } = await erasure(context, { topic, after: position });
  const possible = reasons.filter((reason) => reason !== 'erased' || events.length > 0 || !isComplete);
  return { status, reasons: possible, events: position > 0 ? events : [] };
}

function describe(
  { topic, type, time, publisher, key, priority, expiresAt, traceparent, data }: Notification,
  added: { readonly bytes: number; readonly cursor: string; readonly data: boolean },
): StoryNotification {
  const { bytes, cursor } = added;
  const options = { publisher, key, priority, expiresAt, traceparent, ...(added.data && { data }) };
  return { topic, type, time, cursor, bytes, ...options };
}

/** Events without a time are last. */
function inOrder(events: readonly StoryEvent[]): readonly StoryEvent[] {
  const timeOf = (event: StoryEvent): number => ('time' in event && event.time ? Date.parse(event.time) : Infinity);
  return [...events].sort((one, other) => Math.sign(timeOf(one) - timeOf(other)) || 0);
}

function deliveriesOf(
  { insight }: PublishContext,
  { entry, epoch }: FoundNotification | (MissingNotification & { readonly epoch?: undefined }),
  subscriber: string | undefined,
): StoryDeliveries {
  return (entry && insight.deliveries?.deliveriesOf({ entry, epoch }, subscriber)) ?? NOT_RECORDED;
}

interface Asked {
  readonly entry: LogEntry | undefined;
  readonly topic: string;
  readonly subscriber: string | undefined;
}

async function readerOf(
  context: PublishContext,
  { entry, topic, subscriber }: Asked,
): Promise<{ readonly access?: StoryAccess; readonly item?: StoryItem }> {
  if (subscriber === undefined || !isReading(context)) return {};
  const { feed, insight, access } = context;
  const waiters = feed.waitersOf(subscriber, topic);
  if (!insight.inbox) {
    return { access: { subscriber, waiters, ...(await access.decisionFor(subscriber, topic)) } };
  }
  if (!entry) return {};
  const reader = await insight.inbox.readerOf(entry, subscriber);
  return { access: { subscriber, waiters, ...reader.access }, item: reader.item };
}
