import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { OpenApiVersion, Schema, Schemas } from './schema.js';

/** A route that a feed may lack. */
export type OptionalRoute = 'query' | 'publish' | 'retract' | 'ticket';

/** The parts of a feed that documents describe. */
export interface DescribedFeed {
  /** Undefined for the feed without a name. */
  readonly name: string | undefined;
  readonly version: OpenApiVersion;
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
}

/** An operation of an OpenAPI document, without its path. */
export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Schema[];
  readonly requestBody?: Schema;
  /** By status. */
  readonly responses: Schemas;
}

/** The operations of a controller. */
export interface RoutesDescription {
  /** By the name of the handler. Handlers without an operation are not in the document. */
  readonly operations: Readonly<Record<string, Operation>>;
  readonly schemas: Schemas;
}

/** How documents describe the controller of a feed. */
export interface FeedDescription {
  readonly routes: (feed: DescribedFeed) => RoutesDescription;
}
