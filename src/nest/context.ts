import { Logger } from '@nestjs/common';
import { abilitiesOf } from '../core/abilities.js';
import { type Clock, systemClock } from '../core/clock.js';
import { Feed } from '../core/feed.js';
import type { ClaimStore, Store, StoreFactory } from '../core/store.js';
import { Cursors } from '../wire/cursor.js';
import { Keys } from '../wire/keys.js';
import { PageEncoder } from '../wire/encoder.js';
import { ReadRequests } from '../wire/read-requests.js';
import { isProvided } from './access/access.js';
import { AccessPolicy } from './access/access-policy.js';
import { type ClientAddress, clientAddress } from './access/client-address.js';
import { ClosingResponses } from './http/closing-responses.js';
import { SecurityEvents } from './security/security-events.js';
import { TightLoops } from './limits/tight-loop.js';
import { UnreadAnswers } from './http/unread.js';
import { type NotificationsOptions, resolveSettings, type Schemas, type Settings } from './options.js';

/** The part of a feed that publishes. A feed with `publishOnly` has no other part. */
export interface PublishRuntime {
  readonly settings: Settings;
  readonly schemas: Schemas;
  readonly clock: Clock;
  readonly store: Store;
  /** The secrets of cursors and tickets. */
  readonly keys: Keys;
  readonly cursors: Cursors;
  readonly encoder: PageEncoder;
  readonly security: SecurityEvents;
  /** The log's epoch when the store was opened. Two feeds with the same one share a log. */
  readonly epochId: string;
  /** The application is shutting down. Requests are still served until `shutdown.delayMs` is over. */
  leaving: boolean;
  /** Releases the tail and the store. Later calls return the first call's promise. */
  close(): Promise<void>;
}

/** What the module's providers share. It is created once, when the application starts. */
export interface Runtime extends PublishRuntime {
  /** Records the first use of a ticket. Undefined: tickets are neither issued nor accepted. */
  readonly claim: ClaimStore['claim'] | undefined;
  /** Rules that Nest provides are set when all modules are initialised. Until then nothing is allowed. */
  access: AccessPolicy;
  /** Origins whose pages may send requests, besides the server's own; undefined: all. */
  readonly origins: ReadonlySet<string> | undefined;
  readonly feed: Feed;
  /** The key by which requests of one client are counted. */
  readonly clientAddress: ClientAddress;
  /** Under this key a request keeps the feed's count of revocations at its start. */
  readonly revocationsMark: symbol;
  readonly closing: ClosingResponses;
  readonly unread: UnreadAnswers;
  readonly requests: ReadRequests;
  readonly tightLoops: TightLoops;
  /** Whether interceptors or exception filters must see the answers: known before routes are made. */
  isObserved: boolean;
}

/** Whether the feed reads, too. */
export function isReading(runtime: PublishRuntime): runtime is Runtime {
  return 'feed' in runtime;
}

/** How to create the runtime. */
export interface RuntimeOptions {
  readonly options: NotificationsOptions;
  readonly openStore: StoreFactory;
  readonly publishOnly: boolean;
}

/** Checks the options, then opens the store, then the feed. If the feed cannot open, the store is closed again. */
export async function createRuntime(given: RuntimeOptions): Promise<PublishRuntime> {
  const { options, openStore, publishOnly } = given;
  const settings = resolveSettings(options);
  const addressOf = clientAddress(options.trustProxy);
  const access = new AccessPolicy(isProvided(options.access) ? undefined : options.access);
  const { clock = systemClock, schemas = {} } = options;
  const logger = new Logger('NotificationsStore');
  const store = await openStore({ clock, logger });
  try {
    const keys = new Keys(options.keys);
    const cursors = new Cursors(keys);
    const [encoder, security] = [new PageEncoder(cursors), new SecurityEvents(clock)];
    const base = { settings, schemas, clock, store, keys, cursors, encoder, security, leaving: false };
    if (publishOnly) {
      const { epoch } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
      return { ...base, epochId: epoch.id, close: once(() => store.close().finally(() => security.complete())) };
    }
    const origins = options.origins && new Set(options.origins);
    const claim = options.tickets && claimOf(store);
    const reading = await openReading(base, { access, claim, origins, clientAddress: addressOf });
    return { ...base, ...reading };
  } catch (error) {
    await store.close().catch((closing: unknown) => {
      logger.error(`After a failed start the store could not be closed: ${String(closing)}`);
    });
    throw error;
  }
}

type Base = Omit<PublishRuntime, 'epochId' | 'close'>;
type Reading = Omit<Runtime, keyof Base>;

type Own = Pick<Runtime, 'access' | 'claim' | 'origins' | 'clientAddress'>;

/** Opens the feed and adds what serves reads. */
async function openReading(base: Base, own: Own): Promise<Reading> {
  const { settings, clock, store, cursors, security } = base;
  const limits = { ...settings.limits, windowCount: settings.window.count, windowBytes: settings.window.bytes };
  const feed = await Feed.open({ store, clock, limits });
  const unreadLimits = {
    bytesMax: settings.limits.unreadBytesMax,
    msMax: settings.stream.unreadMsMax,
    pageBytesMax: settings.limits.pageBytesMax,
    streamPageBytesMax: Math.min(settings.stream.unreadBytesMax, settings.limits.pageBytesMax),
  };
  const requestLimits = { ...settings.poll, topicsMax: settings.limits.topicsMax };
  return {
    ...own,
    feed,
    epochId: feed.window.epoch.id,
    revocationsMark: Symbol('revocations'),
    closing: new ClosingResponses(clock),
    unread: new UnreadAnswers(clock, unreadLimits, security),
    requests: new ReadRequests({ limits: requestLimits, cursors, epoch: () => feed.window.epoch }),
    tightLoops: new TightLoops(clock, settings.limits.waitersPerSubscriberMax),
    isObserved: false,
    close: once(async () => {
      try {
        await feed.close();
      } finally {
        await store.close().finally(() => security.complete());
      }
    }),
  };
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
    'NotificationsModule: option tickets needs a store with claim(), which lets each ticket be used once; this store has none',
  );
}
