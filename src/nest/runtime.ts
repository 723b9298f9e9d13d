import { Logger } from '@nestjs/common';
import { type Clock, systemClock } from '../core/clock.js';
import { Feed } from '../core/feed.js';
import type { Store } from '../core/store.js';
import { memoryStore } from '../stores/memory/memory-store.js';
import { Cursors } from '../wire/cursor.js';
import { PageEncoder } from '../wire/encoder.js';
import { ReadRequests } from '../wire/read-requests.js';
import { AccessPolicy, isProvided } from './access.js';
import { ClosingResponses } from './closing-responses.js';
import { TightLoops } from './tight-loop.js';
import { type NotificationsOptions, resolveSettings, type Schemas, type Settings } from './options.js';

/** What the module's providers share, made once when the application starts. */
export interface Runtime {
  readonly settings: Settings;
  /** Whether tickets are given out and accepted. */
  readonly hasTickets: boolean;
  /** Rules that Nest provides are there when all modules have been initialised; until then nothing is allowed. */
  access: AccessPolicy;
  readonly schemas: Schemas;
  readonly clock: Clock;
  readonly store: Store;
  readonly feed: Feed;
  readonly cursors: Cursors;
  readonly encoder: PageEncoder;
  readonly closing: ClosingResponses;
  readonly requests: ReadRequests;
  readonly tightLoops: TightLoops;
  /** Whether interceptors or exception filters of the application are to see what is answered: known before routes are made. */
  isObserved: boolean;
  /** Whether Nest sends what the handler of reads returns, unless it is stopped. */
  nestReplies: boolean;
  /** The application is shutting down; what comes is still served. */
  leaving: boolean;
}

/** Checks the options, opens the store and the feed. */
export async function createRuntime(options: NotificationsOptions): Promise<Runtime> {
  const settings = resolveSettings(options);
  const access = new AccessPolicy(isProvided(options.access) ? undefined : options.access);
  const { clock = systemClock, store: openStore = memoryStore(), schemas = {} } = options;
  const store = await openStore({ clock, logger: new Logger('NotificationsStore') });
  const limits = { ...settings.limits, windowCount: settings.window.count, windowBytes: settings.window.bytes };
  const feed = await Feed.open({ store, clock, limits });
  const cursors = new Cursors();
  const encoder = new PageEncoder(cursors);
  const closing = new ClosingResponses(clock);
  const requestLimits = { ...settings.poll, topicsMax: settings.limits.topicsMax };
  const requests = new ReadRequests({ limits: requestLimits, cursors, epoch: () => feed.window.epoch });
  const tightLoops = new TightLoops(clock, settings.limits.waitersPerSubscriberMax);
  const hasTickets = options.tickets !== undefined;
  return {
    settings,
    hasTickets,
    access,
    schemas,
    clock,
    store,
    feed,
    cursors,
    encoder,
    closing,
    requests,
    tightLoops,
    isObserved: false,
    nestReplies: false,
    leaving: false,
  };
}
