import type { Gap } from '../core/gap.js';
import type { Transport } from './connection-state.js';
import type { Delivery } from './delivery.js';
import type { FeedSharing } from './sharing.js';

/** The format of the answers of a feed. Feeds of different formats do not share a connection. */
export interface FeedFormat {
  readonly name: string;
  /** Reads the body of a poll. Undefined if its shape is wrong. */
  readonly deliveryFrom: (page: unknown) => Delivery | undefined;
}

/** The options of `connect`, and an option that only the client itself sets. */
export interface FeedOptions extends ConnectOptions {
  /** @default pages of notifications */
  readonly format?: FeedFormat | undefined;
}

type MaybePromise<T> = T | Promise<T>;

/** Stores the cursor of a feed. `cursorIn(sessionStorage, 'my-feed')` creates one for a browser. */
export interface CursorStore {
  /** The cursor that was stored last. Without one the feed starts as if it had no store. */
  load(): MaybePromise<string | null | undefined>;
  /** Stores the cursor, and replaces the previous one. */
  save(cursor: string): MaybePromise<void>;
}

/** The part of the Web Storage API that a cursor needs. */
export interface KeyValueStorage {
  /** The text that was kept under the key, or null. */
  getItem(key: string): string | null;
  /** Keeps a text under the key. */
  setItem(key: string, value: string): void;
}

/** A bearer token, a token with its expiry, or headers. */
export type Auth = string | { readonly token: string; readonly expiresAt: Date } | Readonly<Record<string, string>>;

/** Whether requests have cookies: the `credentials` option of `fetch`. */
export type Credentials = 'omit' | 'same-origin' | 'include';

/** Options of `connect`. */
export interface ConnectOptions {
  /** The feed's URL, such as `/notifications`. In a browser, a relative URL refers to the page. */
  readonly url: string | URL;
  /**
   * The topics to read. If they make the URL longer than 7,000 characters, the client sends them in
   * the body of a QUERY request (RFC 10008). The server and the proxies must allow this method.
   * @default the caller's own topics: the result of the server's `access.topics`
   */
  readonly topics?: readonly string[] | undefined;
  /**
   * The position to start from if the store has none: a cursor, `earliest` or `latest`.
   * @default latest
   */
  readonly cursor?: string | undefined;
  /**
   * The store for the cursor.
   * @default the client keeps the cursor in memory
   */
  readonly store?: CursorStore | undefined;
  /**
   * Returns headers, or a token for `Authorization: Bearer`. The client calls it before every
   * request, and again with `refused: true` after a 401. A second 401 ends the feed.
   *
   * If the token has an expiry, the client opens a stream with a new token before the old one
   * expires. An error of this function causes a retry, except for a `FeedError`, which ends the
   * feed.
   * @default none: requests have no `Authorization` header
   */
  readonly auth?: ((context: { readonly refused: boolean }) => MaybePromise<Auth | undefined>) | undefined;
  /**
   * Headers of every request.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Whether requests have cookies, as in `fetch`. `include` sends them to another origin.
   * @default same-origin
   */
  readonly credentials?: Credentials | undefined;
  /**
   * `auto` uses a stream if the network supports one, and polls otherwise.
   * @default auto
   */
  readonly transport?: 'auto' | Transport | undefined;
  /**
   * How long the server may hold a poll, in seconds.
   * @default 25
   */
  readonly wait?: number | undefined;
  /**
   * The maximum number of notifications in one answer.
   * @default the server's limit
   */
  readonly limit?: number | undefined;
  /**
   * `auto` stores the cursor after the consumers have taken a notification. `manual` stores it
   * after `ack`, so that a notification whose handling failed is delivered again after a restart.
   * @default auto
   */
  readonly ack?: 'auto' | 'manual' | undefined;
  /**
   * Shares the connection with other feeds: `betweenTabs(userId)` of
   * `nest-notifications/client/tabs`.
   * @default each feed has its own connection
   */
  readonly share?: FeedSharing | undefined;
  /**
   * Called when notifications were lost permanently. Load the data of your application again in
   * this function. The feed delivers the next notifications after the returned promise has
   * resolved.
   * @default none
   */
  readonly onGap?: ((gap: Gap) => MaybePromise<void>) | undefined;
  /**
   * Closes the feed when it is aborted.
   * @default none
   */
  readonly signal?: AbortSignal | undefined;
}
