import type { ErrorCode } from '../core/errors.js';
import type { DescribedFeed, Operation, RoutesDescription } from './described-feed.js';
import { errorResponses } from './error-responses.js';
import { CURSOR, feedSchemas, type FeedSchemas, NAME, SHARED } from './feed-schemas.js';
import { streamContent } from './feed-stream.js';
import { reference, type Schema } from './schema.js';

const BUSY: readonly ErrorCode[] = ['draining', 'store_unavailable'];
const REFUSED: readonly ErrorCode[] = ['forbidden', 'origin_forbidden'];
const BODY: readonly ErrorCode[] = ['body_invalid', 'body_too_large', 'media_type_unsupported'];
/** A held poll and an open stream take a slot. */
export const WAITERS: readonly ErrorCode[] = [
  ...(['subscriber_waiters_too_many', 'address_waiters_too_many', 'waiters_too_many'] as const),
];
const READ: readonly ErrorCode[] = [
  ...(['topic_missing', 'topic_invalid', 'topics_too_many', 'cursor_invalid', 'before_invalid'] as const),
  ...(['wait_invalid', 'limit_invalid', 'query_invalid', 'not_acceptable'] as const),
  ...REFUSED,
  ...WAITERS,
  ...BUSY,
];
const TICKET_USE: readonly ErrorCode[] = ['ticket_invalid', 'ticket_expired', 'ticket_spent'];
const PUBLISH: readonly ErrorCode[] = [
  ...(['topic_invalid', 'type_invalid', 'id_invalid', 'data_invalid', 'option_invalid'] as const),
  ...(['notifications_too_many', 'id_reused', 'notification_too_large', 'publish_too_fast'] as const),
  ...BODY,
  ...REFUSED,
  ...BUSY,
];
const RETRACT: readonly ErrorCode[] = [
  ...(['topic_missing', 'topic_invalid', 'topics_too_many', 'id_invalid'] as const),
  ...(['query_invalid', 'publish_too_fast', 'retractions_too_many'] as const),
  ...REFUSED,
  ...BUSY,
];
const TICKET: readonly ErrorCode[] = [
  ...(['topic_missing', 'topic_invalid', 'topics_too_many', 'tickets_too_fast'] as const),
  ...BODY,
  ...REFUSED,
  ...BUSY,
];

/** Describes the routes of a feed. */
export function feedRoutes(feed: DescribedFeed): RoutesDescription {
  const schemas = feedSchemas(feed);
  const { routes } = feed;
  return {
    operations: {
      read: read(feed, schemas),
      ...(routes.has('query') && { query: query(feed, schemas) }),
      ...(routes.has('publish') && { publish: publish(feed, schemas) }),
      ...(routes.has('retract') && { retract: retract() }),
      ...(routes.has('ticket') && { ticket: ticket(feed, schemas) }),
    },
    schemas: {
      ...SHARED,
      ...schemas.notifications,
      ...schemas.page,
      ...(routes.has('publish') && schemas.publish),
      ...(routes.has('ticket') && schemas.ticket),
    },
  };
}

function read(feed: DescribedFeed, schemas: FeedSchemas): Operation {
  const { topic, ...others } = readFields(feed);
  const hasTickets = feed.routes.has('ticket');
  const codes = [...READ, ...(feed.settings.patterns.length > 0 ? (['pattern_undeclared'] as const) : [])];
  return {
    summary: 'Reads notifications: as a long poll, as an event stream, or as a page of the history',
    description:
      'The answer has the notifications after `cursor`. If there are none, the server holds the request for `wait` seconds. ' +
      'Send the next request with the cursor of the answer. With `before`, the answer is a page of the history, newest first.',
    parameters: [
      { name: 'topic', in: 'query', required: false, style: 'form', explode: true, ...topic },
      ...Object.entries(others).map(([name, field]) => ({ name, in: 'query', required: false, ...field })),
      ...(hasTickets ? [TICKET_PARAMETER] : []),
      LAST_EVENT_ID,
    ],
    responses: {
      '200': pageResponse(feed, schemas),
      ...errorResponses([...codes, ...(hasTickets ? TICKET_USE : [])]),
    },
  };
}

function query(feed: DescribedFeed, schemas: FeedSchemas): Operation {
  const fields = Object.entries(readFields(feed)).map(([name, { description, schema }]) => [
    name,
    { ...schema, description },
  ]);
  const schema = { type: 'object', properties: Object.fromEntries(fields) as Schema, additionalProperties: false };
  return {
    summary: 'Reads notifications like GET, for topic lists that are too long for a URL',
    parameters: [LAST_EVENT_ID],
    requestBody: jsonBody(schema, true),
    responses: { '200': pageResponse(feed, schemas), ...errorResponses([...READ, ...BODY]) },
  };
}

/** A parameter of a read, without its name. */
interface Field {
  readonly description: string;
  readonly schema: Schema;
}

/** The cursor that a browser sends when it reconnects. */
export const LAST_EVENT_ID: Schema = {
  ...{ name: 'Last-Event-ID', in: 'header', required: false },
  description: 'Event streams only: the id of the last event. It has precedence over `cursor`.',
  schema: CURSOR,
};
const TICKET_PARAMETER: Schema = {
  ...{ name: 'ticket', in: 'query', required: false },
  description: 'Event streams only: a ticket instead of credentials. Not with `topic`.',
  schema: { type: 'string' },
};

/** The fields of a read. */
export function readFields({
  settings,
}: DescribedFeed): Readonly<Record<'topic', Field>> & Readonly<Record<string, Field>> {
  const { poll, limits, patterns } = settings;
  const names =
    patterns.length > 0 ? `Also one of the patterns ${patterns.map((one) => `\`${one}\``).join(', ')}. ` : '';
  return {
    topic: {
      description: `Topics to read. ${names}Without topics, the caller's own topics.`,
      schema: { type: 'array', items: { type: 'string', ...NAME }, maxItems: limits.topicsMax },
    },
    cursor: {
      description: 'The cursor of the last answer, `earliest` or `latest`.',
      schema: { ...CURSOR, default: 'latest' },
    },
    before: {
      description: 'A page of the history, up to a cursor or `latest`. Not with `cursor`, `wait` or an event stream.',
      schema: CURSOR,
    },
    wait: {
      description: 'Seconds to hold the request while there is no new notification.',
      schema: { ...whole(0, Math.floor(poll.waitMsMax / 1000)), default: poll.waitMs / 1000 },
    },
    limit: {
      description: 'The maximum number of notifications in the answer.',
      schema: { ...whole(1, poll.limitMax), default: poll.limit },
    },
  };
}

function pageResponse(feed: DescribedFeed, { names }: FeedSchemas): Schema {
  return {
    description: 'A page of notifications, or an event stream if `Accept` is `text/event-stream`.',
    content: {
      'application/json': { schema: reference(names.page) },
      ...streamContent(feed.version, names.notification),
    },
  };
}

function publish({ settings }: DescribedFeed, { names }: FeedSchemas): Operation {
  const item = reference(names.item);
  const list = { type: 'array', items: item, minItems: 1, maxItems: settings.publish.notificationsMax };
  return {
    summary: 'Publishes one notification, or several atomically',
    parameters: [
      {
        ...{ name: 'Idempotency-Key', in: 'header', required: false },
        description: 'A repeated request with the same key appends nothing, and gets the first result.',
        schema: { type: 'string', minLength: 1, maxLength: 256 },
      },
    ],
    requestBody: jsonBody({ oneOf: [item, list] }, true),
    responses: {
      '201': jsonResponse('The notifications are in the log.', names.published),
      ...errorResponses(PUBLISH),
    },
  };
}

function retract(): Operation {
  const topic = 'The topic of the notification.';
  return {
    summary: 'Retracts a notification',
    description: 'Later reads skip the notification, and each reader of the topic receives the retraction.',
    parameters: [
      { name: 'id', in: 'path', required: true, schema: { type: 'string', ...NAME } },
      { name: 'topic', in: 'query', required: true, description: topic, schema: { type: 'string', ...NAME } },
    ],
    responses: {
      '204': { description: 'The notification is retracted, or the topic has none with this id.' },
      ...errorResponses(RETRACT),
    },
  };
}

function ticket({ settings }: DescribedFeed, { names }: FeedSchemas): Operation {
  const topics = { type: 'array', items: { type: 'string', ...NAME }, maxItems: settings.limits.topicsMax };
  return {
    summary: 'Issues a ticket that opens one event stream without other credentials',
    parameters: [],
    requestBody: jsonBody({ type: 'object', properties: { topics }, additionalProperties: false }, false),
    responses: {
      '201': jsonResponse('A ticket, and the time until which it can be used.', names.ticket),
      ...errorResponses(TICKET),
    },
  };
}

/** A whole number. */
export function whole(minimum: number, maximum: number): Schema {
  return { type: 'integer', minimum, maximum };
}

export function jsonBody(schema: Schema, required: boolean): Schema {
  return { required, content: { 'application/json': { schema } } };
}

export function jsonResponse(description: string, component: string): Schema {
  return { description, content: { 'application/json': { schema: reference(component) } } };
}
