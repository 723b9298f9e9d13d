import type { Gap } from '../core/page.js';
import type { Phase, Reason, Transport } from './machine.js';
import type { Credentials } from './answer.js';

type MaybePromise<T> = T | Promise<T>;

/** Where a cursor is kept: in memory by default; `cursorIn(sessionStorage, 'my-feed')` outlives the page. */
export interface CursorStore {
  load(): MaybePromise<string | null | undefined>;
  save(cursor: string): MaybePromise<void>;
}

/** A token, one that says how long it lasts, or headers. */
export type Auth = string | { readonly token: string; readonly expiresAt: Date } | Readonly<Record<string, string>>;

/** What a feed is doing. */
export interface FeedState {
  readonly phase: Phase;
  /** Why it is not live. */
  readonly reason: Reason | undefined;
  readonly transport: Transport;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /** Of the feed, as in `/notifications`. Relative ones are the page's. */
  readonly url: string | URL;
  /** Default: the caller's own, as the server's `access.topics` says. */
  readonly topics?: readonly string[] | undefined;
  /** Where to begin if the store holds nothing: a cursor, `earliest`, or `latest` (default). */
  readonly cursor?: string | undefined;
  /** Where the cursor is kept. Default: in memory. */
  readonly store?: CursorStore | undefined;
  /**
   * Asked before every request for its headers, or for a token that goes into `Authorization: Bearer`. After a 401 it is asked once more, with
   * `refused`; a second one is final. With `{ token, expiresAt }`, a stream is opened anew, from where it is, with another token before this one
   * expires; polls are short, and need nothing of the kind. What it throws is a failure like others, after which it is asked again; a
   * `FeedError` ends the feed.
   */
  readonly auth?: ((context: { readonly refused: boolean }) => MaybePromise<Auth | undefined>) | undefined;
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** As of `fetch`: `include` sends cookies to another origin. */
  readonly credentials?: Credentials | undefined;
  /** `auto` (default): a stream where it proves itself, otherwise polls. */
  readonly transport?: 'auto' | Transport | undefined;
  /** How long a poll is held, in seconds. Default 25. */
  readonly wait?: number | undefined;
  /** Notifications in an answer. Default: the server's. */
  readonly limit?: number | undefined;
  /**
   * `auto` (default): the cursor moves on when a notification has been handed over. `manual`: when it has been acknowledged with `ack`, so that one
   * whose handling failed comes again after a restart.
   */
  readonly ack?: 'auto' | 'manual' | undefined;
  /**
   * Feeds of one browser with the same name and topics share one connection, whether they are in one page or in several.
   * One of them leads and reads for all. If it is closed, crashes or freezes, another one takes over: at once, or after
   * at most 33 s without an answer. The feeds must belong to the same user, so put the user into the name. Without Web
   * Locks and BroadcastChannel (Node, React Native, pages over plain HTTP) each feed has its own connection.
   * @default each feed has its own connection
   */
  readonly share?: string | undefined;
  /** Something was missed for good: the moment to fetch the state anew. What follows is handed over when this resolves. */
  readonly onGap?: ((gap: Gap) => MaybePromise<void>) | undefined;
  /** Aborts the feed, as `close` does. */
  readonly signal?: AbortSignal | undefined;
}
