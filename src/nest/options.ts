import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Clock } from '../core/clock.js';
import type { StoreFactory } from '../core/store.js';
import type { Access } from './access/access.js';

/** Schemas by notification type; any Standard Schema (zod, valibot, arktype, …). */
export type Schemas = Readonly<Record<string, StandardSchemaV1>>;

/**
 * Options of `NotificationsModule.forRoot`. Every number is checked when the application starts.
 */
export interface NotificationsOptions {
  /**
   * The access rules for reading and publishing. `'public'` allows every caller to read every
   * topic. Only `access.publish` allows callers to publish over HTTP.
   * @default no caller may read or publish
   */
  readonly access?: Access | undefined;
  /** The store of the log. @default `memoryStore()` */
  readonly store?: StoreFactory | undefined;
  /**
   * Patterns of topics that requests may name like topics, such as `orders.*`. A pattern has
   * literal segments, and `*` at the end for one segment or more. At most 16. Reading a pattern
   * costs the same for few and for many topics: only the size of the result counts. `access.read`
   * still decides about each notification by its topic.
   *
   * A pattern is declared for the whole log, so all nodes and the outbox index it. It does not
   * include notifications that are older than its declaration. A client with an older cursor gets
   * the gap `expired`. With the NATS store, a pattern includes older notifications too.
   * @default none
   */
  readonly patterns?: readonly string[] | undefined;
  /**
   * Schemas by notification type. `publish` rejects data that does not match, and appends the
   * output of the schema.
   */
  readonly schemas?: Schemas | undefined;
  /** Defaults and bounds of the requests that read. */
  readonly poll?:
    | {
        /**
         * How long a poll is held, in milliseconds, if the client does not specify it. Proxies
         * usually cut an idle connection after 30 s.
         * @default 25_000
         */
        readonly waitMs?: number | undefined;
        /**
         * The longest wait that a client may request, in milliseconds. nginx cuts an idle
         * connection after 60 s.
         * @default 55_000
         */
        readonly waitMsMax?: number | undefined;
        /** Notifications per page, if the client specifies no limit. @default 100 */
        readonly limit?: number | undefined;
        /** The most notifications per page that a client may request. @default 1_000 */
        readonly limitMax?: number | undefined;
      }
    | undefined;
  /** Event streams. */
  readonly stream?:
    | {
        /**
         * Milliseconds without data after which a stream sends a comment. The WHATWG standard
         * recommends 15 s.
         * @default 15_000
         */
        readonly heartbeatMs?: number | undefined;
        /**
         * The lifetime of a stream in milliseconds, ±20 %. Then its client reconnects.
         * @default 30 minutes
         */
        readonly lifetimeMs?: number | undefined;
        /** The pause before a client reconnects, in milliseconds, ±20 %. @default 2_000 */
        readonly retryMs?: number | undefined;
        /**
         * The shortest time in milliseconds between two cursors on a stream without notifications.
         * The same limit applies to updates of the reconnect pause on any stream.
         * @default one minute
         */
        readonly cursorEveryMs?: number | undefined;
        /**
         * Bytes of notifications that are written to a stream before its client has read the
         * earlier ones. A stalled client costs this much memory, or more if one notification is
         * larger.
         * @default 128 KiB
         */
        readonly unreadBytesMax?: number | undefined;
        /**
         * The longest time in milliseconds that a client may leave data unread. Then its connection
         * is closed.
         * @default one minute
         */
        readonly unreadMsMax?: number | undefined;
      }
    | undefined;
  /** Bounds of notifications, and of requests that publish. */
  readonly publish?:
    | {
        /**
         * Bytes of a notification as JSON. For larger data, publish a reference that clients fetch.
         * @default 64 KiB
         */
        readonly notificationBytesMax?: number | undefined;
        /**
         * Notifications in one call or request, which is one transaction. At most 1,000.
         * @default 100
         */
        readonly notificationsMax?: number | undefined;
        /** Bytes of a request's body. The application's parser may allow less. @default 1 MiB */
        readonly bodyBytesMax?: number | undefined;
        /**
         * Notifications that a caller may publish over HTTP in a minute, on each node. A retraction
         * counts as one of them. A caller is a subscriber, or an address if there is no subscriber.
         * Each node counts for itself, so two nodes behind a load balancer allow twice as many.
         * @default 6_000, which is 100 per second
         */
        readonly perMinuteMax?: number | undefined;
        /** Levels of nesting in `data`. @default 32 */
        readonly dataDepthMax?: number | undefined;
      }
    | undefined;
  /**
   * The direct lane answers repeated polls on a connection before node:http parses them. It
   * recognizes a repeated poll by its bytes. A poll uses the lane if the two polls before it on the
   * connection were equal except for the cursor, and had answers with the same headers.
   *
   * Guards, middleware and `access.subscriber` do not run during `grantMs`. `access.read` and
   * limits still apply, and `revoke` ends the grant at once. Nest answers if middleware wraps the
   * response, or if the response sets cookies. With the lane on, an application with interceptors
   * or exception filters does not start. This includes those in `decorators`.
   */
  readonly directLane?:
    | {
        /**
         * How long a connection may use the lane, in milliseconds. Then its next poll takes the
         * usual path. 0 turns the lane off; 30,000 is recommended.
         * @default 0
         */
        readonly grantMs?: number | undefined;
      }
    | undefined;
  /**
   * Tickets for clients that can send neither headers nor cookies with an event stream.
   * `POST <path>/tickets` issues one to a caller with a `subscriber`, and `GET <path>?ticket=…`
   * opens one stream with it. The store must have `claim`; all stores of this package have it.
   * @default tickets are neither issued nor accepted
   */
  readonly tickets?:
    | {
        /**
         * A ticket must be used within this time after it was issued, in milliseconds. The time is
         * enough for a page that loads slowly.
         * @default 30_000
         */
        readonly ttlMs?: number | undefined;
        /**
         * How long the stream may reconnect with the ticket, in milliseconds. `access.expiresAt`
         * can end this time earlier.
         * @default one hour
         */
        readonly lifetimeMs?: number | undefined;
        /**
         * Tickets that one subscriber may request in a minute, on one node. More requests are
         * rejected with 429. This also limits the number of used tickets that the store remembers.
         * The default allows one ticket for each stream of a subscriber, and some more for page
         * reloads.
         * @default 120
         */
        readonly perMinuteMax?: number | undefined;
        /**
         * Streams that one subscriber may open with tickets in a minute, on one node, reconnects
         * included. More streams end at once, and the client retries later. The default allows 100
         * streams that reconnect every ten seconds.
         * @default 600
         */
        readonly usesPerMinuteMax?: number | undefined;
      }
    | undefined;
  /** How the node shuts down. */
  readonly shutdown?:
    | {
        /**
         * How long the node still serves requests after it has reported that it is not ready, in
         * milliseconds. Behind a load balancer, set the time after which the load balancer sends no
         * more requests.
         * @default 0
         */
        readonly delayMs?: number | undefined;
      }
    | undefined;
  /**
   * The newest part of the log, which this node keeps in memory. Reads from older cursors go to the
   * store.
   */
  readonly window?:
    | {
        /** Notifications. @default 10_000 */
        readonly count?: number | undefined;
        /** Bytes of JSON. @default 16 MiB */
        readonly bytes?: number | undefined;
      }
    | undefined;
  /** Bounds of one node. Requests beyond them are rejected. */
  readonly limits?:
    | {
        /**
         * Held polls and open streams on this node. Each takes at most about 30 KiB, so the default
         * number takes at most about 600 MiB.
         * @default 20_000
         */
        readonly waitersMax?: number | undefined;
        /**
         * Held polls and open streams of one `access.subscriber` on this node. The default is
         * enough for several devices with several tabs each.
         * @default 100
         */
        readonly waitersPerSubscriberMax?: number | undefined;
        /**
         * Held polls and open streams from one IPv4 address or IPv6 /64 on this node. The default
         * equals `waitersMax`, because behind an untrusted proxy all clients have the proxy's
         * address. Lower it if `request.ip` is the client's address.
         * @default 20_000
         */
        readonly waitersPerAddressMax?: number | undefined;
        /** Topics in one request. @default 50 */
        readonly topicsMax?: number | undefined;
        /**
         * Bytes of notifications in one page. A single notification may exceed it and is then the
         * only one of its page.
         * @default 1 MiB
         */
        readonly pageBytesMax?: number | undefined;
        /**
         * Bytes of answers on this node that clients have not read. The default is enough for a few
         * dozen slow clients with pages of full size. A page takes at most an eighth of the free
         * bytes, and at least 16 KiB, so pages get smaller near the limit. Above the limit, the
         * node closes the connections that have kept the most bytes for the longest time. Their
         * cursors stay valid.
         * @default 32 MiB
         */
        readonly unreadBytesMax?: number | undefined;
      }
    | undefined;
  /**
   * Origins (`https://app.example`) whose pages may send requests, besides the server's own.
   * Requests from other pages are rejected with 403 before guards and access rules run.
   *
   * Set this option if a cookie identifies the caller. Pages of any site can make a browser send
   * cookies, and their streams and polls would count against the user's limits. `[]` allows the
   * server's own origin only. Requests without the headers `Origin` and `Sec-Fetch-Site` are not
   * checked. CORS is still configured in the application.
   * @default all origins, because callers with an `Authorization` header need no list
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * Secrets of the application for the keys of cursors and tickets, each of at least 32 characters.
   * The first secret seals new cursors and tickets; all secrets open existing ones. Without this
   * option the keys depend only on a secret in the store, so a reader of the store can forge
   * cursors and tickets. An empty string is the default key, which depends only on the
   * store's secret.
   *
   * To change the key without a gap for any client, configure all nodes in three steps:
   * `[old, new]`, then `[new, old]`, then `[new]`. Do the last step when no client uses tickets and
   * cursors of the old key any more, because a cursor of a removed key leads to a gap. To add this
   * option to a running application, use `''` as the old key.
   * @default none
   */
  readonly keys?: readonly string[] | undefined;
  /**
   * The proxies in front of the application, for limits per address: their number, or their
   * addresses and subnets. `loopback`, `linklocal` and `uniquelocal` are names for common subnets.
   * Set this option if the adapter has no such setting of its own. An example is `NodeAdapter`.
   * Count only proxies that append to `X-Forwarded-For`: if the number is too high, clients can
   * choose their address.
   * @default the HTTP adapter decides (`request.ip`)
   */
  readonly trustProxy?: number | string | readonly string[] | undefined;
  /** The clock, for tests. @default the system clock */
  readonly clock?: Clock | undefined;
}
