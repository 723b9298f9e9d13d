import type { ErrorCode } from '../core/errors.js';
import { TOPIC_LENGTH_MAX } from '../core/names.js';
import { CURSOR_LENGTH_MAX } from '../wire/protocol.js';
import { STATUS_OF } from '../wire/errors.js';
import { type DeclaredType, declaredTypes } from './declared-types.js';
import type { DescribedFeed } from './described-feed.js';
import {
  ANY,
  componentName,
  type DocumentVersion,
  objectOf,
  reference,
  type Schema,
  type Schemas,
  text,
} from './schema.js';

/** These codes exist in the process only. */
const NOT_HTTP: readonly ErrorCode[] = ['gap', 'publish_incomplete', 'publish_only', 'owned_topics_missing'];

/** Types, ids and keys have the same bounds as topics. */
export const NAME = { minLength: 1, maxLength: TOPIC_LENGTH_MAX };
const TIME = { type: 'string', format: 'date-time' };
const PRIORITY = { type: 'string', enum: ['low', 'normal', 'high'] };

/** A cursor of a feed. */
export const CURSOR: Schema = text('Opaque text. Send it back unchanged.', { maxLength: CURSOR_LENGTH_MAX });

const RETRACTION = objectOf({ id: { type: 'string' }, topic: { type: 'string' } });

/** Components that all feeds share. */
export const SHARED: Schemas = {
  FeedGap: objectOf({
    reason: {
      type: 'string',
      enum: ['expired', 'reset'],
      description: '`expired`: notifications after the cursor were removed. `reset`: the log of the cursor is gone.',
    },
  }),
  FeedError: objectOf(
    { statusCode: { type: 'integer' }, message: { type: 'string' } },
    {
      error: { type: 'string' },
      code: {
        type: 'string',
        enum: (Object.keys(STATUS_OF) as ErrorCode[]).filter((code) => !NOT_HTTP.includes(code)),
        description: 'A stable name. Errors of guards and of other parts of the application have none.',
      },
    },
  ),
};

/** The names of a feed's components. */
export interface FeedComponents {
  readonly notification: string;
  readonly page: string;
  readonly item: string;
  readonly published: string;
  readonly ticket: string;
}

/** The components of one feed. */
export interface FeedSchemas {
  readonly names: FeedComponents;
  readonly notifications: Schemas;
  readonly page: Schemas;
  readonly retraction: Schema;
  /** The items of a publish. */
  readonly items: Schemas;
  readonly publish: Schemas;
  readonly ticket: Schemas;
  readonly types: readonly DeclaredType[];
  /**
   * The start of the names of the components for all other types. Undefined if the document has no
   * component for other types.
   */
  readonly other: string | undefined;
}

/** Named feeds may have other types, so their components have other names. */
export function prefixOf({ name }: Pick<DescribedFeed, 'name'>): string {
  return name === undefined ? '' : componentName(name);
}

export function feedSchemas(feed: DescribedFeed): FeedSchemas {
  const prefix = prefixOf(feed);
  const types = declaredTypes(feed.schemas, { prefix, version: feed.version });
  const other = feed.otherTypes ? `${prefix}Other` : undefined;
  const union = { types, version: feed.version, other };
  const names = {
    notification: `${prefix}FeedNotification`,
    page: `${prefix}FeedPage`,
    item: `${prefix}FeedItem`,
    published: 'FeedPublished',
    ticket: 'FeedTicket',
  };
  const declared = Object.assign({}, ...types.map(({ components }) => components)) as Schemas;
  const notifications = unionOf({
    ...{ ...union, name: names.notification, suffix: 'Notification' },
    schemaOf: (type, declared) => notification(type, declared?.output ?? ANY),
  });
  const inputs = Object.assign({}, ...types.map(({ inputComponents }) => inputComponents)) as Schemas;
  const itemUnion = unionOf({
    ...{ ...union, name: names.item, suffix: 'Item' },
    schemaOf: (type, declared) => item(type, declared?.input ?? ANY),
  });
  const items = { ...inputs, ...itemUnion };
  return {
    names,
    notifications: { ...declared, ...notifications },
    page: { FeedRetraction: RETRACTION, [names.page]: page(names.notification) },
    retraction: RETRACTION,
    items,
    publish: { ...items, [names.published]: published() },
    ticket: { [names.ticket]: objectOf({ ticket: { type: 'string' }, expiresAt: TIME }) },
    types,
    other,
  };
}

interface UnionOptions {
  readonly types: readonly DeclaredType[];
  readonly version: DocumentVersion;
  /** The start of the name of the component for all other types. Undefined: no other type. */
  readonly other: string | undefined;
  readonly name: string;
  readonly suffix: string;
  readonly schemaOf: (type: Schema, declared: DeclaredType | undefined) => Schema;
}

/**
 * One component for each declared type, one for all other types, and their union. Without declared
 * types, one component.
 */
function unionOf({ types, version, other, name, suffix, schemaOf }: UnionOptions): Schemas {
  if (types.length === 0) return { [name]: schemaOf(ANY_TYPE, undefined) };
  const declared = types.map((type) => [`${type.component}${suffix}`, schemaOf(oneType(type.type), type)] as const);
  const members = Object.fromEntries(declared) as Schemas;
  const mapping = types.map(({ type, component }) => [type, reference(`${component}${suffix}`).$ref]);
  const discriminator = { propertyName: 'type', mapping: Object.fromEntries(mapping) as Schema };
  const references = Object.keys(members).map(reference);
  if (other === undefined) {
    // In AsyncAPI, a discriminator is the name of a component, and a type is not.
    const union = { oneOf: references, ...(version !== 'asyncapi' && { discriminator }) };
    return { ...members, [name]: union };
  }
  const rest = reference(`${other}${suffix}`);
  // Some generated clients ignore `not` of the last member, so they find that several members
  // match. `anyOf` allows this. Only OpenAPI 3.2 has a discriminator with a member for all other
  // values.
  const union = {
    anyOf: [...references, rest],
    ...(version === '3.2' && { discriminator: { ...discriminator, defaultMapping: rest.$ref } }),
  };
  const otherType = { ...ANY_TYPE, not: { enum: types.map(({ type }) => type) } };
  return { ...members, [`${other}${suffix}`]: schemaOf(otherType, undefined), [name]: union };
}

const ANY_TYPE = text('Its kind. It decides the shape of `data`.', NAME);

function oneType(type: string): Schema {
  return { type: 'string', enum: [type] };
}

function notification(type: Schema, data: Schema): Schema {
  return objectOf(
    { id: { type: 'string' }, topic: { type: 'string' }, type, time: TIME, data },
    {
      expiresAt: TIME,
      key: text('A page has only the newest notification of each topic and key.'),
      keyScope: {
        ...oneType('publisher'),
        description: 'Only a notification with this scope and the same publisher replaces it.',
      },
      priority: PRIORITY,
      publisher: text('The subscriber who published it over HTTP, or a name of the application.'),
      traceparent: text('The trace of its publish: W3C Trace Context.'),
    },
  );
}

function item(type: Schema, data: Schema): Schema {
  return objectOf(
    { topic: { type: 'string', ...NAME }, type },
    {
      data,
      id: text('A repeated request with the same id appends nothing.', NAME),
      ttlMs: { type: 'integer', minimum: 1, description: 'Milliseconds until it expires. Not with `expiresAt`.' },
      expiresAt: TIME,
      key: text('It replaces older notifications of the same publisher and topic with the same key.', NAME),
      priority: PRIORITY,
      traceparent: { type: 'string' },
    },
  );
}

function page(notificationName: string): Schema {
  return objectOf(
    {
      notifications: { type: 'array', items: reference(notificationName) },
      cursor: { ...CURSOR, description: 'The next request continues here. It changes with empty pages, too.' },
      more: { type: 'boolean', description: 'More notifications exist already: send the next request at once.' },
    },
    {
      gap: reference('FeedGap'),
      retracted: { type: 'array', items: reference('FeedRetraction') },
      follow: { ...CURSOR, description: 'Pages of the history only: a poll from here has everything newer.' },
      trimmed: {
        type: 'boolean',
        description: 'Pages of the history only: the history ends here, and retention has removed older notifications.',
      },
    },
  );
}

function published(): Schema {
  return objectOf({
    ids: { type: 'array', items: { type: 'string' } },
    duplicates: { type: 'array', items: { type: 'string' }, description: 'The ids that had been published before.' },
    duplicate: { type: 'boolean', description: 'All items had been published before.' },
    cursor: CURSOR,
  });
}
