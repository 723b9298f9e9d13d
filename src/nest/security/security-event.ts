import type { ErrorCode } from '../../core/errors.js';

/** The request that an event is about. */
export interface SecurityRequest {
  /**
   * The built-in route of the feed. `ticket` is `POST <path>/tickets`; a stream that a ticket opens
   * is a `stream`. `retract` is `DELETE <path>/:id`. On an inbox, a page is a `poll`, and an
   * operation is a `publish`.
   */
  readonly route: 'poll' | 'stream' | 'publish' | 'ticket' | 'retract';
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

/**
 * An event of `NotificationsService.securityEvents`. It holds no secrets and no texts of the
 * request: no ticket, token, cursor, query or data. Its size is bounded; a subscriber has at most
 * 200 characters.
 *
 * - `refused`: the feed rejected a request with a status from 400 to 499.
 * - `limited`: a request exceeded a limit and was rejected.
 * - `revoked`: `service.revoke` has resolved. Only the node on which it was called has this event.
 * - `cut`: the node closed a connection because its client did not read, or read too slowly.
 */
export type SecurityEvent =
  | (SecurityRequest & {
      readonly type: 'refused';
      readonly at: Date;
      /** Undefined if an access rule of the application threw the exception. */
      readonly code: ErrorCode | undefined;
      /**
       * The status of the error. A stream that is already open has sent 200. It ends, and its
       * client does not see this status.
       */
      readonly status: number;
    })
  | (SecurityRequest & {
      readonly type: 'limited';
      readonly at: Date;
      /** The option that sets the limit. */
      readonly limit:
        | 'limits.waitersMax'
        | 'limits.waitersPerSubscriberMax'
        | 'limits.waitersPerAddressMax'
        | 'publish.perMinuteMax'
        | 'operations.perMinuteMax'
        | 'tickets.perMinuteMax'
        | 'tickets.usesPerMinuteMax';
      readonly code: ErrorCode;
      /** As in an event of type `refused`. */
      readonly status: number;
    })
  | {
      readonly type: 'revoked';
      readonly at: Date;
      readonly subscriber: string;
      /** Undefined: all topics. */
      readonly topics: readonly string[] | undefined;
    }
  | (SecurityRequest & {
      readonly type: 'cut';
      readonly at: Date;
      /** The option whose value was exceeded. */
      readonly limit: 'stream.unreadMsMax' | 'limits.unreadBytesMax';
      /** Bytes that the node kept for the connection. Connections may share some of them. */
      readonly unreadBytes: number;
    });

/** The event of a type. */
export type SecurityEventOf<Type extends SecurityEvent['type']> = Extract<SecurityEvent, { readonly type: Type }>;
