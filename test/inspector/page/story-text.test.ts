import { describe, expect, it } from '@jest/globals';
import { storyTextOf } from '../../../src/inspector/page/story-text.js';
import type {
  NotificationStory,
  StoryAccess,
  StoryReason,
  StoryStatus,
} from '../../../src/nest/explaining/notification-story.js';
import { EXPIRED_STORY } from '../../browser/inspector-reports.js';

const access: StoryAccess = { subscriber: 'ann', allowed: 'yes', rule: 'access.read', waiters: 1 };
const story = (changes: Partial<NotificationStory>): NotificationStory => ({
  ...EXPIRED_STORY,
  status: 'deliverable',
  events: [{ type: 'published', time: '2026-11-29T09:10:00.000Z' }],
  deliveries: { recorded: 'complete', counts: { poll: 0, stream: 0, history: 0 }, list: [] },
  access,
  item: undefined,
  ...changes,
});
const verdict = (changes: Partial<NotificationStory>): string => {
  const { mood, text } = storyTextOf(story(changes)).verdict;
  return `${mood}: ${text}`;
};

describe('the story of a notification', () => {
  it('is a timeline of events and deliveries, then access, the inbox and the records', () => {
    const { verdict: first, steps, facts } = storyTextOf(EXPIRED_STORY);
    expect(first).toEqual({ mood: 'bad', text: 'Readers no longer receive this notification: it has expired.' });
    expect(steps.map(({ text }) => text)).toEqual([
      'It was published.',
      'It was delivered to ann by an event stream, 4 ms after the publish.',
      'It expired.',
      'The rules allow ann to read the topic (access.read).',
      'ann reads the topic now with 1 poll or stream on this node.',
      'It is an item of the inbox: seen, read.',
      'This node has recorded 272 deliveries to all readers: 180 by long polls, 92 by streams, 0 by the history.',
      'This node records a sample of deliveries, so some may be missing here.',
    ]);
    expect(Object.fromEntries(facts)).toMatchObject({ Topic: 'orders.eu', Type: 'order.shipped', Size: '312 B' });
  });

  it.each<[StoryStatus, string]>([
    ['superseded', 'bad: Readers receive a newer notification with the same key instead.'],
    ['retracted', 'bad: Readers no longer receive this notification: it was retracted.'],
    ['erased', 'bad: Readers no longer receive this notification: its topic was erased.'],
    ['trimmed', 'bad: Readers no longer receive this notification: retention has removed it.'],
    ['topic_needed', 'open: The id is known. Fill in the topic to find the notification.'],
    ['unknown', 'open: This node does not know a notification with this id.'],
  ])('has a sentence for the status %s', (status, text) => {
    expect(verdict({ status })).toBe(text);
  });

  it('does not claim more than the node knows', () => {
    const list = [{ time: '2026-11-29T09:10:00.004Z', transport: 'poll', subscriber: 'ann' }] as const;
    expect(verdict({ access: undefined })).toBe('good: Readers with access to the topic receive this notification.');
    expect(verdict({ access: { ...access, allowed: 'no' } })).toBe(
      'bad: ann has no access to the topic of this notification.',
    );
    expect(verdict({ deliveries: { ...EXPIRED_STORY.deliveries, list } })).toBe(
      'good: ann has received this notification from this node.',
    );
    expect(verdict({ access: { ...access, allowed: 'unknown' } })).toBe(
      'open: It is unknown whether ann may read this notification.',
    );
    expect(verdict({})).toBe('good: ann may read this notification and is connected to this node.');
    expect(verdict({ access: { ...access, waiters: 0 } })).toBe(
      'open: ann may read this notification, but is not connected to this node.',
    );
  });

  it('lists reasons, events without a time, and the states of an item', () => {
    const texts = storyTextOf(
      story({
        reasons: ['search_limit'],
        events: [{ type: 'trimmed' }, { type: 'erased' }, ...EXPIRED_STORY.events],
        item: { ...EXPIRED_STORY.item!, read: false, archived: true, snoozedUntil: '2026-11-30T09:00:00.000Z' },
      }),
    ).steps.map(({ text }) => text);
    expect(texts.slice(0, 4)).toEqual([
      'It was published.',
      'It expired.',
      'Retention removed it from the log.',
      'Its topic was erased.',
    ]);
    expect(texts).toContain('The search of the topic has reached its limit, so this answer may lack events.');
    expect(texts.find((text) => text.startsWith('It is an item'))).toMatch(
      /^It is an item of the inbox: seen, unread, archived. It is snoozed until .+\.$/,
    );
  });

  it.each<[StoryReason[], string[]]>([
    [
      ['never_published', 'id_forgotten'],
      [
        'Possible reason: no notification with this id was published.',
        'Possible reason: the notification was published too long ago, so the store no longer has its id.',
      ],
    ],
    [
      ['never_published', 'other_topic', 'search_limit'],
      [
        'Possible reason: no notification with this id was published.',
        'Possible reason: the notification was published on another topic.',
        'The search of the topic has reached its limit, so this answer may lack events.',
      ],
    ],
    [
      ['topic_needed', 'erased'],
      ['The notification is not in the window in memory. Fill in its topic.', 'Possible reason: the topic was erased.'],
    ],
    [['other_topic'], ['Reason: the notification was published on another topic.']],
    [['no_lookup'], ['The store cannot look up ids, so only the window in memory was searched. Fill in the topic.']],
  ])('states the reasons %j as facts only if there is no other reason', (reasons, texts) => {
    const { steps } = storyTextOf(story({ status: 'unknown', reasons, access: undefined, events: [] }));
    expect(steps.map(({ text }) => text).slice(0, texts.length)).toEqual(texts);
  });

  it('says that an unknown access needs a request, or that a rule has failed', () => {
    const { steps } = storyTextOf(story({ access: { ...access, allowed: 'unknown' } }));
    expect(steps.map(({ text }) => text)).toContain(
      'access.read cannot decide: it needs a request of ann, or it has failed. The log of this node has the error of a failed rule.',
    );
  });

  it('shows a name with hidden characters as they are', () => {
    const { steps } = storyTextOf(story({ access: { ...access, subscriber: 'a\u202eb', allowed: 'no' } }));
    expect(steps.map(({ text }) => text)).toContain(
      'a[U+202E]b reads the topic now with 1 poll or stream on this node.',
    );
  });
});
