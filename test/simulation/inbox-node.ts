import 'reflect-metadata';
import { Feed } from '../../src/core/feed.js';
import { Observers } from '../../src/core/observers.js';
import { Inbox, type InboxParts } from '../../src/inbox/nest/inbox.js';
import { resolveInboxSettings } from '../../src/inbox/nest/inbox-options.js';
import { RecordObserver } from '../../src/inbox/nest/record-observer.js';
import type { ReadContext } from '../../src/nest/context.js';
import { Cursors } from '../../src/wire/cursor.js';
import { PageEncoder } from '../../src/wire/encoder.js';
import type { NodeStore } from './driver.js';
import type { ProcessClock } from './process-clock.js';
import { rethrow } from '../support/rethrow.js';

/** So small that the store serves most reads. */
const LIMITS = { pageBytesMax: 4_000, windowCount: 12, windowBytes: 4_000 };
/** So small that watermarks often replace exceptions. */
const EXCEPTIONS_MAX = 20;
const WAITERS_MAX = 1_000;
const RETRY_OPENING_MS = 100;

export const BROADCAST = 'announcements';

/** One process with an inbox: the real feed, states, operations and lists, without Nest. */
export class InboxProcess {
  #inbox: Inbox | undefined;
  #feed: Feed | undefined;

  constructor(
    readonly clock: ProcessClock,
    readonly store: NodeStore,
  ) {}

  /** Undefined until the feed is open, and after the process has ended. */
  get inbox(): Inbox | undefined {
    return this.clock.isDead ? undefined : this.#inbox;
  }

  /** Opens the feed, and retries until this succeeds. */
  async start(): Promise<void> {
    while (!this.#feed) {
      try {
        await this.#open();
      } catch (error) {
        if ((error as { code?: string }).code !== 'store_unavailable') throw error;
        await this.clock.pass(RETRY_OPENING_MS);
      }
    }
  }

  async stop(): Promise<void> {
    await this.#feed?.close();
    await this.store.close();
  }

  kill(): void {
    this.clock.kill();
    this.store.abandon();
  }

  async #open(): Promise<void> {
    const { store, clock } = this;
    const waiters = {
      waitersMax: WAITERS_MAX,
      waitersPerSubscriberMax: WAITERS_MAX,
      waitersPerAddressMax: WAITERS_MAX,
    };
    const observer = new RecordObserver();
    const observers = new Observers(rethrow);
    observers.add(observer);
    const feed = await Feed.open({ store, clock, limits: { ...LIMITS, ...waiters }, observers });
    const cursors = new Cursors();
    const context = {
      store,
      clock,
      feed,
      cursors,
      encoder: new PageEncoder(cursors),
      settings: { poll: { limit: 100, limitMax: 1_000 }, limits: { topicsMax: 10 } },
      observers,
      insight: { useInbox: () => undefined },
      unread: { pollBytes: () => LIMITS.pageBytesMax },
    } as unknown as ReadContext;
    const options = { topics: () => [BROADCAST] } as unknown as InboxParts['options'];
    const settings = resolveInboxSettings({ operations: { exceptionsMax: EXCEPTIONS_MAX } });
    this.#inbox = new Inbox({ context, options, settings, observer });
    this.#feed = feed;
  }
}
