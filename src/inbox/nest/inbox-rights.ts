import { AsyncResource } from 'node:async_hooks';
import type { Rights } from '../../core/rights.js';
import type { MaybePromise } from '../../nest/access/access.js';
import type { InboxTopics } from './inbox-topics.js';

/** Returns the topics of the broadcasts that the subscriber sees now. */
export type BroadcastsNow = () => MaybePromise<readonly string[]>;

/**
 * The current access of a live reader to broadcasts. A subscriber can always read its own items.
 *
 * A delivery runs in the async context of the publisher. The option `topics` runs in the async
 * context of the reading request, as the access rules of a feed do.
 */
export class InboxRights extends AsyncResource implements Rights {
  readonly #own: readonly string[];
  readonly #broadcastsNow: BroadcastsNow;

  constructor({ personal, records }: InboxTopics, broadcastsNow: BroadcastsNow) {
    super('InboxRights');
    this.#own = [personal, records];
    this.#broadcastsNow = broadcastsNow;
  }

  allowed(topics: readonly string[]): MaybePromise<readonly string[]> {
    if (topics.every((topic) => this.#own.includes(topic))) return topics;
    const readable = (broadcasts: readonly string[]): readonly string[] =>
      topics.filter((topic) => this.#own.includes(topic) || broadcasts.includes(topic));
    return Promise.resolve(this.runInAsyncScope(this.#broadcastsNow)).then(readable);
  }
}
