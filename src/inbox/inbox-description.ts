import type { ErrorCode } from '../core/errors.js';
import type { ChannelDescription, DescribedFeed, Operation, RoutesDescription } from '../openapi/described-feed.js';
import { errorResponses } from '../openapi/error-responses.js';
import { GAP, MOVED } from '../openapi/feed-channel.js';
import { jsonBody, jsonResponse, LAST_EVENT_ID, WAITERS, whole } from '../openapi/feed-routes.js';
import { CURSOR, feedSchemas, NAME, SHARED } from '../openapi/feed-schemas.js';
import { streamContent } from '../openapi/feed-stream.js';
import { componentName, objectOf, reference, type Schema, type Schemas } from '../openapi/schema.js';
import { OPERATION_ITEMS_MAX, OPERATION_TYPES_MAX } from './inbox-record.js';

const REFUSED: readonly ErrorCode[] = ['forbidden', 'origin_forbidden', 'subscriber_invalid'];
const BUSY: readonly ErrorCode[] = ['draining', 'store_unavailable'];
const READ: readonly ErrorCode[] = [
  ...(['cursor_invalid', 'before_invalid', 'wait_invalid', 'limit_invalid', 'status_invalid'] as const),
  ...(['type_invalid', 'query_invalid', 'not_acceptable'] as const),
  ...REFUSED,
  ...WAITERS,
  ...BUSY,
];
const OPERATE: readonly ErrorCode[] = [
  ...(['body_invalid', 'id_invalid', 'type_invalid', 'cursor_invalid', 'option_invalid', 'inbox_full'] as const),
  ...(['body_too_large', 'media_type_unsupported', 'operations_too_fast'] as const),
  ...REFUSED,
  ...BUSY,
];
const STATUSES = ['inbox', 'unseen', 'unread', 'read', 'archived', 'snoozed'];
const OPS = ['seen', 'read', 'unread', 'archive', 'unarchive', 'snooze', 'unsnooze', 'remove'];
const TIME = { type: 'string', format: 'date-time' };
const IDS = { type: 'array', items: { type: 'string' } };
const TYPE = { type: 'string', ...NAME };
const BOOLEAN = { type: 'boolean' };
const INTEGER = { type: 'integer' };

/** Describes the routes of an inbox. */
export function inboxRoutes(feed: DescribedFeed): RoutesDescription {
  return { operations: { read: read(feed), operate: operate() }, schemas: inboxSchemas(feed) };
}

/** Describes the event stream of an inbox as a channel. */
export function inboxChannel(feed: DescribedFeed): ChannelDescription {
  const { FeedError: _, InboxOperation: _operation, InboxResult: _result, ...schemas } = inboxSchemas(feed);
  const event = {
    component: named(feed, 'Event'),
    summary: 'New items, and operations of any device, with the counts after them.',
    payload: reference(named(feed, 'Event')),
  };
  return {
    id: named(feed, ''),
    summary: 'The live inbox of the caller.',
    received: [event, GAP, MOVED],
    published: [],
    query: { type: 'object', properties: { cursor: CURSOR } },
    schemas,
  };
}

/**
 * Names the component of an inbox. The items of a named inbox may have other types, so its
 * components have their own names.
 */
function named({ name }: Pick<DescribedFeed, 'name'>, component: string): string {
  return `${name === undefined || name === 'inbox' ? '' : componentName(name)}Inbox${component}`;
}

function read(feed: DescribedFeed): Operation {
  const { poll } = feed.settings;
  const query = (name: string, description: string, schema: Schema): Schema => ({
    ...{ name, in: 'query', required: false, description, schema },
  });
  const types = { type: 'array', items: TYPE };
  return {
    summary: 'Lists the items of the caller, or follows them as a long poll or as an event stream',
    description:
      'With `cursor` or `wait`, the answer has the new items and changes after the cursor. ' +
      'Otherwise it is a page of items, newest first. To receive the changes after a page, send its `follow` as `cursor`.',
    parameters: [
      query('status', 'Pages only: the items to list.', { type: 'string', enum: STATUSES, default: 'inbox' }),
      query('type', 'Pages only: the types to list.', types),
      query('before', 'Pages only: `cursor` of a page, for the next older items.', CURSOR),
      query('cursor', 'The cursor `follow` of a page, or the cursor of the last answer.', CURSOR),
      query('wait', 'Seconds to hold the request while there is no change.', {
        ...whole(0, Math.floor(poll.waitMsMax / 1000)),
        default: poll.waitMs / 1000,
      }),
      query('limit', 'Items per page.', { ...whole(1, poll.limitMax), default: poll.limit }),
      LAST_EVENT_ID,
    ],
    responses: {
      '200': {
        description: 'A page, new items and changes, or an event stream if `Accept` is `text/event-stream`.',
        content: {
          'application/json': {
            schema: { oneOf: [reference(named(feed, 'Page')), reference(named(feed, 'Changes'))] },
          },
          ...streamContent(feed.version, named(feed, 'Event')),
        },
      },
      ...errorResponses(READ),
    },
  };
}

function operate(): Operation {
  return {
    summary: 'Changes the state of items: seen, read, archived, snoozed or removed',
    description: 'A request has either `ids` or `upTo`. Every operation can be repeated safely.',
    parameters: [],
    requestBody: jsonBody(reference('InboxOperation'), true),
    responses: { '200': jsonResponse('The counts after the operation.', 'InboxResult'), ...errorResponses(OPERATE) },
  };
}

function inboxSchemas(feed: DescribedFeed): Schemas {
  const { names, notifications } = feedSchemas(feed);
  const item = reference(named(feed, 'Item'));
  const changes = { type: 'array', items: reference('InboxChange') };
  const gap = reference('FeedGap');
  const counts = reference('InboxCounts');
  const event = { items: { type: 'array', items: item }, changes };
  const live = { cursor: CURSOR, more: BOOLEAN };
  return {
    ...SHARED,
    ...notifications,
    ...STATE,
    [named(feed, 'Item')]: objectOf(
      { notification: reference(names.notification), seen: BOOLEAN, read: BOOLEAN, archived: BOOLEAN },
      { snoozedUntil: TIME },
    ),
    [named(feed, 'Page')]: objectOf(
      { items: { type: 'array', items: item }, counts, ...live, follow: CURSOR, trimmed: BOOLEAN },
      { gap },
    ),
    [named(feed, 'Event')]: objectOf(event, { counts, gap }),
    [named(feed, 'Changes')]: objectOf({ ...event, ...live }, { counts, gap }),
  };
}

/** Schemas of the inbox state. The inboxes of an application share these components. */
const STATE: Schemas = {
  InboxCounts: objectOf(
    {
      unseen: INTEGER,
      unread: INTEGER,
      total: INTEGER,
      types: { type: 'object', additionalProperties: INTEGER, description: 'Unread items by type.' },
      cap: { ...INTEGER, description: 'The highest exact number. A count of `cap` + 1 means: more than `cap`.' },
    },
    { snoozeEndsAt: TIME },
  ),
  InboxChange: objectOf(
    { op: { type: 'string', enum: OPS } },
    {
      ids: IDS,
      upTo: { type: 'string', description: 'The change applies to this id and older items.' },
      except: { ...IDS, description: 'With `upTo`: items that did not change, because they were snoozed.' },
      types: { ...IDS, description: 'The types, if the operation was for all items of some types.' },
      until: TIME,
    },
  ),
  InboxOperation: {
    ...objectOf(
      { op: { type: 'string', enum: OPS } },
      {
        ids: { ...IDS, minItems: 1, maxItems: OPERATION_ITEMS_MAX },
        upTo: { ...CURSOR, description: 'All items up to a cursor, for `seen`, `read`, `archive` and `remove`.' },
        type: {
          oneOf: [TYPE, { type: 'array', items: TYPE, minItems: 1, maxItems: OPERATION_TYPES_MAX }],
          description: 'With `upTo`: only items of these types, among the newest 1,000.',
        },
        until: { ...TIME, description: 'For `snooze`, which requires it.' },
      },
    ),
    additionalProperties: false,
  },
  InboxResult: objectOf({ changed: BOOLEAN, unknown: IDS, counts: reference('InboxCounts') }),
};
