import { CURSOR_EVENT, GAP_EVENT, RETRACTED_EVENT } from '../wire/protocol.js';
import type { ChannelDescription, ChannelMessage, DescribedFeed } from './described-feed.js';
import { publishName } from './declared-types.js';
import { readFields } from './feed-routes.js';
import { CURSOR, feedSchemas, type FeedSchemas, prefixOf, SHARED } from './feed-schemas.js';
import { objectOf, reference, type Schema } from './schema.js';

/** The messages of every event stream. */
export const GAP: ChannelMessage = {
  component: 'FeedGapEvent',
  event: GAP_EVENT,
  summary: 'Notifications before the next one can no longer be read.',
  payload: reference('FeedGap'),
};
export const MOVED: ChannelMessage = {
  component: 'FeedCursorEvent',
  event: CURSOR_EVENT,
  summary: 'Moves the cursor of a stream without notifications.',
  payload: { type: 'object', maxProperties: 0 },
};
const RETRACTED: ChannelMessage = {
  component: 'FeedRetractedEvent',
  event: RETRACTED_EVENT,
  summary: 'A notification was retracted. The client removes it.',
  payload: reference('FeedRetraction'),
};

/** Describes the event stream of a feed as a channel. */
export function feedChannel(feed: DescribedFeed): ChannelDescription {
  const schemas = feedSchemas(feed);
  const { FeedError: _, ...shared } = SHARED;
  const canPublish = feed.routes.has('publish');
  const prefix = prefixOf(feed);
  return {
    id: `${prefix}Notifications`,
    summary: 'Notifications, in the order of the log.',
    received: [...notifications(schemas, prefix), RETRACTED, GAP, MOVED],
    published: canPublish ? items(schemas, prefix) : [],
    query: querySchema(readFields(feed), ['topic', 'cursor']),
    schemas: {
      ...shared,
      ...schemas.notifications,
      FeedRetraction: schemas.retraction,
      ...(canPublish && schemas.items),
    },
  };
}

/** One message for each declared type, and one for all other types. */
function notifications({ types, names, other }: FeedSchemas, prefix: string): readonly ChannelMessage[] {
  if (types.length === 0) {
    const payload = reference(names.notification);
    return [{ component: `${prefix}Notification`, summary: 'A notification.', payload }];
  }
  const declared = types.map(({ type, component }) => ({
    component,
    summary: `A notification of the type \`${type}\`.`,
    payload: reference(`${component}Notification`),
  }));
  if (other === undefined) return declared;
  const summary = 'A notification of another type.';
  return [...declared, { component: other, summary, payload: reference(`${other}Notification`) }];
}

function items({ types, names, other }: FeedSchemas, prefix: string): readonly ChannelMessage[] {
  const body = { isBody: true, summary: 'Publishes a notification.' };
  if (types.length === 0) return [{ ...body, component: `${prefix}Item`, payload: reference(names.item) }];
  const components = [...types.map(({ component }) => component), ...(other === undefined ? [] : [other])];
  return components.map((component) => ({
    ...body,
    component: publishName(component),
    payload: reference(`${component}Item`),
  }));
}

/** The query of a stream. */
export function querySchema(fields: ReturnType<typeof readFields>, names: readonly string[]): Schema {
  const properties = names.map((name) => [name, { ...fields[name]?.schema, description: fields[name]?.description }]);
  return { type: 'object', properties: Object.fromEntries(properties) as Schema };
}

/** The fields of a server-sent event besides its data. */
export function eventHeaders(event: string | undefined): Schema {
  return event === undefined
    ? objectOf({ id: CURSOR })
    : objectOf({ id: CURSOR, event: { type: 'string', enum: [event] } });
}
