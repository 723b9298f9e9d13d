import type { Connection, ConnectionHandlers, Position } from './connection.js';
import type { FeedState } from './connection-state.js';
import type { Delivery } from './delivery.js';
import type { Environment } from './environment.js';
import type { FeedOptions } from './options.js';

/** Lets several feeds share one connection: the result of `betweenTabs`. */
export interface FeedSharing {
  /** Feeds with the same name and the same topics share a connection. */
  readonly name: string;
  /**
   * Returns undefined if the runtime cannot share. Then the feed has its own connection.
   * @internal
   */
  readonly join: (member: SharingMember) => SharedConnection | undefined;
}

/** A type without private fields, so that two copies of the client have compatible types. */
export type MemberConnection = Pick<Connection, keyof Connection>;

/** The part of a feed that a shared connection uses. */
export interface SharingMember {
  readonly options: FeedOptions;
  readonly environment: Environment;
  /** The position up to which the feed has delivered. */
  readonly own: Position;
  /** Reads for all members while this member is the leader. */
  readonly connection: MemberConnection;
  /** Creates a connection that polls from the feed's own position. */
  pollOwn(handlers: ConnectionHandlers): MemberConnection;
  /**
   * Delivers to the application. `filter` removes the notifications that the feed has delivered
   * before.
   */
  deliver(delivery: Delivery, signal: AbortSignal, filter: (delivery: Delivery) => Delivery): Promise<void>;
  changed(): void;
  failed(error: unknown): void;
  /** Sharing is blocked on this page, so the feed needs its own connection. */
  unavailable(): void;
}

/** One member's part in a shared connection. */
export interface SharedConnection {
  /** The state that the leader has sent; undefined while this member leads. */
  readonly state: FeedState | undefined;
  /** Takes a delivery that the member's own connection has received. */
  deliver(delivery: Delivery, signal: AbortSignal): void;
  /** Called when the state of the member's own connection has changed. */
  stateChanged(): void;
  /** Delivers the next buffered delivery, or reads the missing notifications from the server. */
  turn(): Promise<void>;
  /** Resolves when the member does not read for the others any more. */
  leave(): Promise<void>;
}
