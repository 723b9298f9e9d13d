import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { DocumentVersion, Schema, Schemas } from './schema.js';

/** A route that a feed may lack. */
export type OptionalRoute = 'query' | 'publish' | 'retract' | 'ticket';

/** A security requirement of OpenAPI: scopes by the name of a security scheme. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

/** The parts of a feed that documents describe. */
export interface DescribedFeed {
  /** Undefined for the feed without a name. */
  readonly name: string | undefined;
  readonly version: DocumentVersion;
  readonly settings: {
    readonly poll: {
      readonly waitMs: number;
      readonly waitMsMax: number;
      readonly limit: number;
      readonly limitMax: number;
    };
    readonly limits: { readonly topicsMax: number };
    readonly publish: { readonly notificationsMax: number };
    readonly patterns: readonly string[];
  };
  /** Schemas by notification type. */
  readonly schemas: Readonly<Record<string, StandardSchemaV1>>;
  readonly routes: ReadonlySet<OptionalRoute>;
  /** Whether the documents allow types without a schema, beside types with one. */
  readonly otherTypes: boolean;
  /** Undefined if decorators or the whole document declare the security. */
  readonly security: readonly SecurityRequirement[] | undefined;
}

/** An operation of an OpenAPI document, without its path. */
export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Schema[];
  readonly requestBody?: Schema;
  /** By status. */
  readonly responses: Schemas;
  readonly security?: readonly SecurityRequirement[];
}

/** The operations of a controller. */
export interface RoutesDescription {
  /** By the name of the handler. Handlers without an operation are not in the document. */
  readonly operations: Readonly<Record<string, Operation>>;
  readonly schemas: Schemas;
}

/** A message of an AsyncAPI document: an event of a stream, or a body. */
export interface ChannelMessage {
  /** The name of its component. */
  readonly component: string;
  /** The name of the server-sent event. Notifications have none. */
  readonly event?: string;
  /** True for the body of a request. */
  readonly isBody?: boolean;
  readonly summary: string;
  readonly payload: Schema;
}

/** An event stream, as AsyncAPI describes it. */
export interface ChannelDescription {
  readonly id: string;
  readonly summary: string;
  /** The messages that clients receive, and those that they publish. */
  readonly received: readonly ChannelMessage[];
  readonly published: readonly ChannelMessage[];
  readonly query: Schema;
  readonly schemas: Schemas;
}

/** How documents describe the controller of a feed. */
export interface FeedDescription {
  readonly routes: (feed: DescribedFeed) => RoutesDescription;
  readonly channel: (feed: DescribedFeed) => ChannelDescription;
}
