import { Logger } from '@nestjs/common';
import { abilitiesOf } from '../core/abilities.js';
import { type Clock, systemClock } from '../core/clock.js';
import { NotificationsError } from '../core/errors.js';
import { Feed } from '../core/feed.js';
import type { FeedObserver } from '../core/observer.js';
import { observedStore } from '../core/observed-store.js';
import { Observers } from '../core/observers.js';
import { type ClaimStore, END_OF_LOG, type Epoch, type Store, type StoreFactory } from '../core/store.js';
import { Cursors } from '../wire/cursor.js';
import { Keys } from '../wire/keys.js';
import { PageEncoder } from '../wire/encoder.js';
import { isProvided } from './access/access.js';
import { AccessPolicy } from './access/access-policy.js';
import { type ClientAddress, clientAddress } from './access/client-address.js';
import { Insight } from './explaining/insight.js';
import { ClosingResponses } from './http/closing-responses.js';
import { PublishTracing } from '../core/publish-tracing.js';
import { Responder } from './http/responder.js';
import { UnreadAnswers } from './http/unread.js';
import { Leaving } from './lifecycle/leaving.js';
import type { NotificationsOptions, Schemas } from './options.js';
import { NotificationsException } from './notifications.exception.js';
import { resolveSettings, type Settings } from './settings.js';
import { errorDetail } from './security/error-detail.js';
import { SecurityEvents } from './security/security-events.js';

/** The parts of a feed that publish. A feed with `publishOnly` has no other parts. Frozen. */
export interface PublishContext {
  readonly settings: Settings;
  readonly schemas: Schemas;
  readonly clock: Clock;
  /** The observers receive every call of this store. */
  readonly store: Store;
  /** The same store for reads that the metrics do not count: those of the inspector. */
  readonly unobserved: Store;
  /** The observers of the feed, of its store and of its capabilities. */
  readonly observers: Observers;
  /** The secrets of cursors and tickets. */
  readonly keys: Keys;
  readonly cursors: Cursors;
  readonly encoder: PageEncoder;
  readonly security: SecurityEvents;
  readonly tracing: PublishTracing;
  readonly insight: Insight;
  readonly leaving: Leaving;
  /** The log's epoch when the store was opened. It shows whether two feeds share a log. */
  readonly openedEpoch: Epoch;
  /** Releases the tail and the store. Later calls return the first call's promise. */
  close(): Promise<void>;
}

/**
 * The parts of a feed that the module's providers share. Created once, when the application starts.
 * Frozen.
 */
export interface ReadContext extends PublishContext {
  readonly feed: Feed;
  readonly access: AccessPolicy;
  /** Records the first use of a ticket. Undefined if tickets are neither issued nor accepted. */
  readonly claim: ClaimStore['claim'] | undefined;
  /**
   * Origins whose pages may send requests, in addition to the server's own. Undefined: all origins
   * are allowed.
   */
  readonly origins: ReadonlySet<string> | undefined;
  /** The key by which requests of one client are counted. */
  readonly clientAddress: ClientAddress;
  /** The key under which a request stores the feed's count of revocations at its start. */
  readonly revocationsMark: symbol;
  readonly responder: Responder;
  readonly closing: ClosingResponses;
  readonly unread: UnreadAnswers;
}

export function isReading(context: PublishContext): context is ReadContext {
  return 'feed' in context;
}

/**
 * The parts that serve reads.
 * @throws NotificationsException `publish_only`, with the name of the method that needs them
 */
export function readingFor(method: string, context: PublishContext): ReadContext {
  if (isReading(context)) return context;
  const message = `this feed has the option publishOnly, so ${method}() is not available; use a node without that option`;
  throw new NotificationsException(new NotificationsError('publish_only', message));
}

/** How to create the context. */
export interface ContextOptions {
  readonly options: NotificationsOptions;
  readonly openStore: StoreFactory;
  readonly publishOnly: boolean;
  /** Observes the feed, for a capability. */
  readonly observer?: FeedObserver | undefined;
}

/**
 * Checks the options, then opens the store, then the feed. If the feed cannot open, the store is
 * closed again.
 */
export async function createContext(given: ContextOptions): Promise<PublishContext> {
  const { options, openStore, publishOnly, observer } = given;
  const settings = resolveSettings(options);
  const access: Given = {
    access: new AccessPolicy(isProvided(options.access) ? undefined : options.access),
    origins: options.origins && new Set(options.origins),
    clientAddress: clientAddress(options.trustProxy),
  };
  const { clock = systemClock, schemas = {} } = options;
  const logger = new Logger('NotificationsStore');
  const observers = new Observers(logFailure);
  if (observer) observers.add(observer);
  const unobserved = await openStore({ clock, logger });
  const store = observedStore(unobserved, observers, clock);
  try {
    const keys = new Keys(options.keys);
    const cursors = new Cursors(keys);
    const encoder = new PageEncoder(cursors);
    const security = new SecurityEvents(clock, observers);
    const parts = { settings, schemas, clock, store, unobserved, observers, keys, cursors, encoder, security };
    const base = { ...parts, tracing: new PublishTracing(), insight: new Insight(), leaving: new Leaving() };
    if (publishOnly) {
      const { epoch } = await store.read(END_OF_LOG);
      const close = once(() => store.close().finally(() => security.complete()));
      return Object.freeze({ ...base, openedEpoch: epoch, close });
    }
    const claim = options.tickets && claimOf(store);
    return Object.freeze({ ...base, ...access, claim, ...(await openReading(base)) });
  } catch (error) {
    await store.close().catch((closing: unknown) => {
      logger.error(`The start failed, and then the store could not be closed: ${String(closing)}`);
    });
    throw error;
  }
}

type Base = Omit<PublishContext, 'openedEpoch' | 'close'>;
type Given = Pick<ReadContext, 'access' | 'origins' | 'clientAddress'>;
type Reading = Omit<ReadContext, keyof Base | keyof Given | 'claim'>;

/** Opens the feed and creates the parts that serve reads. */
async function openReading(base: Base): Promise<Reading> {
  const { settings, clock, store, observers, encoder, security } = base;
  const limits = { ...settings.limits, windowCount: settings.window.count, windowBytes: settings.window.bytes };
  const { patterns } = settings;
  if (patterns.length > 0 && !abilitiesOf(store).indexPatterns) {
    throw new Error(
      'NotificationsModule: option patterns needs a store with the method indexPatterns(); this store has no indexPatterns()',
    );
  }
  const feed = await Feed.open({ store, clock, limits, patterns, observers });
  const unreadLimits = {
    bytesMax: settings.limits.unreadBytesMax,
    msMax: settings.stream.unreadMsMax,
    pageBytesMax: settings.limits.pageBytesMax,
    streamPageBytesMax: Math.min(settings.stream.unreadBytesMax, settings.limits.pageBytesMax),
  };
  return {
    feed,
    openedEpoch: feed.window.epoch,
    revocationsMark: Symbol('revocations'),
    responder: new Responder(encoder),
    closing: new ClosingResponses(clock),
    unread: new UnreadAnswers(clock, unreadLimits, security),
    close: once(async () => {
      try {
        await feed.close();
      } finally {
        await store.close().finally(() => security.complete());
      }
    }),
  };
}

function logFailure(error: unknown): void {
  const message = 'An observer of the feed, such as the metrics, threw an error. Its further errors are not logged.';
  new Logger('Notifications').error(message, errorDetail(error));
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => (closed ??= close());
}

/** @throws Error if the store cannot record the first use of a ticket */
function claimOf(store: Store): ClaimStore['claim'] {
  const { claim } = abilitiesOf(store);
  if (claim) return claim;
  throw new Error(
    'NotificationsModule: option tickets needs a store with the method claim(), so that a ticket cannot be used twice; this store has no claim()',
  );
}
