import type { ErrorCode } from '../../core/errors.js';

/**
 * The built-in routes of a feed. `ticket` is `POST <path>/tickets`; a stream that a ticket opens is
 * a `stream`.
 */
export type SecurityRoute = 'poll' | 'stream' | 'publish' | 'ticket';

/** The option that sets the limit. */
export type SecurityLimit =
  | 'limits.waitersMax'
  | 'limits.waitersPerSubscriberMax'
  | 'limits.waitersPerAddressMax'
  | 'publish.perMinuteMax'
  | 'tickets.perMinuteMax'
  | 'tickets.usesPerMinuteMax';

/** The request that an event is about. */
export interface SecurityRequest {
  readonly route: SecurityRoute;
  /**
   * Undefined for a caller without a subscriber. Also undefined if the request was rejected before
   * the rule `access.subscriber` returned.
   */
  readonly subscriber: string | undefined;
  /**
   * The address as limits count it: an IPv4 address, or the /64 of an IPv6 address. Undefined if
   * the connection has closed.
   */
  readonly address: string | undefined;
}

/** The feed rejected a request with a status from 400 to 499. */
export interface RefusedEvent extends SecurityRequest {
  readonly type: 'refused';
  readonly at: Date;
  /** Undefined if an access rule of the application threw the exception. */
  readonly code: ErrorCode | undefined;
  /**
   * The status of the error. A stream that is already open has sent 200. It ends, and its client
   * does not see this status.
   */
  readonly status: number;
}

/** A request exceeded a limit and was rejected. */
export interface LimitedEvent extends SecurityRequest {
  readonly type: 'limited';
  readonly at: Date;
  readonly limit: SecurityLimit;
  readonly code: ErrorCode;
  /** As in `RefusedEvent`. */
  readonly status: number;
}

/** `service.revoke` has resolved. Only the node on which it was called has this event. */
export interface RevokedEvent {
  readonly type: 'revoked';
  readonly at: Date;
  readonly subscriber: string;
  /** Undefined: all topics. */
  readonly topics: readonly string[] | undefined;
}

/** The node closed a connection because its client did not read, or read too slowly. */
export interface CutEvent extends SecurityRequest {
  readonly type: 'cut';
  readonly at: Date;
  /** The option whose value was exceeded. */
  readonly limit: 'stream.unreadMsMax' | 'limits.unreadBytesMax';
  /** Bytes that the node kept for the connection. Connections may share some of them. */
  readonly unreadBytes: number;
}

/**
 * An event of `NotificationsService.securityEvents`. It holds no secrets and no texts of the
 * request: no ticket, token, cursor, query or data. Its size is bounded; a subscriber has at most
 * 200 characters.
 */
export type SecurityEvent = RefusedEvent | LimitedEvent | RevokedEvent | CutEvent;
