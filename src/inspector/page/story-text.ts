import type {
  NotificationStory,
  StoryAccess,
  StoryDelivery,
  StoryEvent,
  StoryItem,
  StoryReason,
} from '../../nest/explaining/notification-story.js';
import { count, counted, dateAndTime, duration, size, textOf } from './formats.js';
import { readable } from './names.js';

/** `good`: the reader receives the notification. `bad`: it does not. `open`: unknown. */
export type Mood = 'good' | 'bad' | 'open' | 'plain';

export interface Step {
  readonly mood: Mood;
  readonly text: string;
  readonly timeMs?: number | undefined;
}

/** The answer of the server in sentences. */
export interface StoryText {
  readonly verdict: Step;
  readonly steps: readonly Step[];
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** The node does not know which of these reasons is the true one. */
const POSSIBLE: Readonly<Partial<Record<StoryReason, string>>> = {
  never_published: 'no notification with this id was published.',
  id_forgotten: 'the notification was published too long ago, so the store no longer has its id.',
  erased: 'the topic was erased.',
  trimmed: 'retention has removed the notification from the log.',
  other_topic: 'the notification was published on another topic.',
};

/** These reasons describe the search, so they are true beside others. */
const KNOWN: Readonly<Partial<Record<StoryReason, string>>> = {
  no_lookup: 'The store cannot look up ids, so only the window in memory was searched. Fill in the topic.',
  topic_needed: 'The notification is not in the window in memory. Fill in its topic.',
  search_limit: 'The search of the topic has reached its limit, so this answer may lack events.',
};

const RULES: Readonly<Record<StoryAccess['rule'], string>> = {
  'access.read': 'access.read does not allow the topic',
  'access.requestFor': 'access.requestFor does not know the subscriber',
  'access.topics': 'access.topics does not list the topic',
  'inbox.topics': 'the topic is not a topic of the inbox',
};

export function storyTextOf(story: NotificationStory): StoryText {
  return {
    verdict: verdictOf(story),
    steps: [
      ...timeline(story),
      ...story.reasons.map((reason): Step => ({ mood: 'open', text: reasonText(reason, story.reasons) })),
      ...(story.access ? accessSteps(story.access) : []),
      ...(story.item ? [itemStep(story.item)] : []),
      ...recordedSteps(story),
    ],
    facts: factsOf(story),
  };
}

function reasonText(reason: StoryReason, { length }: readonly StoryReason[]): string {
  return KNOWN[reason] ?? `${length > 1 ? 'Possible reason' : 'Reason'}: ${POSSIBLE[reason] ?? reason}`;
}

function verdictOf(story: NotificationStory): Step {
  switch (story.status) {
    case 'deliverable':
      return deliverableVerdict(story);
    case 'expired':
      return { mood: 'bad', text: 'Readers no longer receive this notification: it has expired.' };
    case 'superseded':
      return { mood: 'bad', text: 'Readers receive a newer notification with the same key instead.' };
    case 'retracted':
      return { mood: 'bad', text: 'Readers no longer receive this notification: it was retracted.' };
    case 'erased':
      return { mood: 'bad', text: 'Readers no longer receive this notification: its topic was erased.' };
    case 'trimmed':
      return { mood: 'bad', text: 'Readers no longer receive this notification: retention has removed it.' };
    case 'topic_needed':
      return { mood: 'open', text: 'The id is known. Fill in the topic to find the notification.' };
    case 'unknown':
      return { mood: 'open', text: 'This node does not know a notification with this id.' };
  }
}

function deliverableVerdict({ access, deliveries: { list } }: NotificationStory): Step {
  if (!access) return { mood: 'good', text: 'Readers with access to the topic receive this notification.' };
  const name = readable(access.subscriber);
  if (access.allowed === 'no') return { mood: 'bad', text: `${name} has no access to the topic of this notification.` };
  if (list.length > 0) return { mood: 'good', text: `${name} has received this notification from this node.` };
  if (access.allowed === 'unknown') {
    return { mood: 'open', text: `It is unknown whether ${name} may read this notification.` };
  }
  return access.waiters > 0
    ? { mood: 'good', text: `${name} may read this notification and is connected to this node.` }
    : { mood: 'open', text: `${name} may read this notification, but is not connected to this node.` };
}

/** Events and deliveries by time. Events without a time are last. */
function timeline({ events, deliveries, notification }: NotificationStory): Step[] {
  const publishedMs = Date.parse(notification?.time ?? '');
  const delivered = deliveries.list.map((delivery) => stepOfDelivery(delivery, publishedMs));
  // The difference of two steps without a time is NaN, which keeps their order.
  return [...events.map(stepOfEvent), ...delivered].sort(
    (a, b) => (a.timeMs ?? Infinity) - (b.timeMs ?? Infinity) || 0,
  );
}

function stepOfEvent(event: StoryEvent): Step {
  const timeMs = 'time' in event && event.time !== undefined ? Date.parse(event.time) : undefined;
  switch (event.type) {
    case 'published':
      return { mood: 'plain', text: 'It was published.', timeMs };
    case 'expired':
      return { mood: 'bad', text: 'It expired.', timeMs };
    case 'superseded': {
      const text = `It was superseded by ${readable(event.by)}, which has the same key ${readable(event.key)}.`;
      return { mood: 'bad', text, timeMs };
    }
    case 'retracted':
      return { mood: 'bad', text: 'It was retracted.', timeMs };
    case 'erased':
      return { mood: 'bad', text: 'Its topic was erased.', timeMs };
    case 'trimmed':
      return { mood: 'bad', text: 'Retention removed it from the log.' };
  }
}

const TRANSPORTS = { poll: 'a long poll', stream: 'an event stream', history: 'a read of the history' } as const;

function stepOfDelivery({ subscriber, transport, time }: StoryDelivery, publishedMs: number): Step {
  const reader = subscriber === undefined ? 'a reader without a subscriber' : readable(subscriber);
  const timeMs = Date.parse(time);
  const after = timeMs >= publishedMs ? `, ${later(timeMs - publishedMs)} after the publish` : '';
  return { mood: 'good', text: `It was delivered to ${reader} by ${TRANSPORTS[transport]}${after}.`, timeMs };
}

/** The times of a story are whole milliseconds. */
function later(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : textOf(duration(ms));
}

function accessSteps({ subscriber, allowed, rule, waiters }: StoryAccess): Step[] {
  const name = readable(subscriber);
  const held = waiters === 1 ? '1 poll or stream' : `${count(waiters)} polls and streams`;
  const connected = `${name} reads the topic now with ${held} on this node.`;
  const access: Record<StoryAccess['allowed'], Step> = {
    yes: { mood: 'good', text: `The rules allow ${name} to read the topic (${rule}).` },
    no: { mood: 'bad', text: `The rules do not allow it: ${RULES[rule]}.` },
    unknown: {
      mood: 'open',
      text: `${rule} cannot decide: it needs a request of ${name}, or it has failed. The log of this node has the error of a failed rule.`,
    },
  };
  return [
    access[allowed],
    waiters > 0
      ? { mood: 'good', text: connected }
      : { mood: 'open', text: `${name} does not read the topic on this node now.` },
  ];
}

function itemStep({ state, seen, read, archived, removed, snoozedUntil }: StoryItem): Step {
  if (state === 'none') return { mood: 'open', text: 'The inbox of the subscriber does not have it as an item.' };
  if (removed) return { mood: 'bad', text: 'The subscriber has removed it from the inbox.' };
  const flags = [seen ? 'seen' : 'not seen yet', read ? 'read' : 'unread', ...(archived ? ['archived'] : [])];
  const snoozed = snoozedUntil === undefined ? '' : ` It is snoozed until ${dateAndTime(Date.parse(snoozedUntil))}.`;
  return { mood: 'plain', text: `It is an item of the inbox: ${flags.join(', ')}.${snoozed}` };
}

/** States the number of recorded deliveries, and whether the record may be incomplete. */
function recordedSteps({ deliveries: { recorded, counts }, notification }: NotificationStory): Step[] {
  const { poll, stream, history } = counts;
  const total = poll + stream + history;
  const transports = `${count(poll)} by long polls, ${count(stream)} by streams, ${count(history)} by the history`;
  const known = `This node has recorded ${counted(total, 'delivery', 'deliveries')} to all readers: ${transports}.`;
  const steps: Step[] = total > 0 ? [{ mood: 'plain', text: known }] : [];
  if (notification && recorded === 'unknown') {
    steps.push({ mood: 'open', text: 'This node did not record deliveries when this notification was published.' });
  } else if (notification && recorded === 'sampled') {
    steps.push({ mood: 'open', text: 'This node records a sample of deliveries, so some may be missing here.' });
  } else if (notification && total === 0) {
    steps.push({ mood: 'open', text: 'This node has not delivered it. Other nodes may have delivered it.' });
  }
  return steps;
}

function factsOf({ id, notification }: NotificationStory): [string, string][] {
  const facts: [string, string][] = [['Id', readable(id)]];
  if (!notification) return facts;
  const { topic, type, publisher, key, priority, expiresAt, bytes, traceparent, cursor } = notification;
  facts.push(['Topic', readable(topic)], ['Type', readable(type)], ['Size', textOf(size(bytes))]);
  const optional = { Publisher: publisher, Key: key, Priority: priority, Trace: traceparent };
  for (const [name, value] of Object.entries(optional)) if (value !== undefined) facts.push([name, readable(value)]);
  if (expiresAt !== undefined) facts.push(['Expires', dateAndTime(Date.parse(expiresAt))]);
  facts.push(['Cursor', readable(cursor)]);
  return facts;
}
