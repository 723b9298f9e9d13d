import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { type Clock, systemClock, type Timer } from '../core/clock.js';
import { NotificationsError } from '../core/errors.js';
import type { PublishContext } from '../nest/context.js';
import { DRAINING } from '../core/waiters.js';
import { explain } from '../nest/explaining/explain.js';
import type { NotificationStory } from '../nest/explaining/notification-story.js';
import { type NamedContext, namedContextsIn } from '../nest/module/feeds.js';
import { DEFAULT_FEED } from '../telemetry/nest/feed-state.js';
import { feedReport } from './feed-report.js';
import {
  FEEDS_MAX,
  type InspectorOptions,
  type InspectorSettings,
  resolveInspectorSettings,
} from './inspector-options.js';
import type { InspectorState } from './inspector-report.js';
import type { ExplainRequest } from './inspector-request.js';
import { FeedRecorder } from './recording/feed-recorder.js';
import { INTERVAL_MS } from './recording/series.js';

/** The options of the inspector, as the application gave them. */
export const INSPECTOR_OPTIONS = Symbol('nest-notifications inspector options');

/** The state is computed at most once in this time, for all callers together. */
export const REFRESH_MS = 1_000;
/** The maximum number of explanations at a time. Each one reads some pages of the store. */
export const EXPLANATIONS_MAX = 4;

interface ShownFeed {
  readonly name: string;
  readonly context: PublishContext;
}

/** A computed state, and its JSON by the name of the feed; '' for all feeds. */
interface Computed {
  readonly atMs: number;
  readonly state: InspectorState;
  readonly texts: Map<string, string>;
}

/**
 * Records feeds while a page is open, and reports their state. Without a request it holds nothing:
 * no observer, no timer, no memory.
 */
@Injectable()
export class Inspector implements OnModuleInit, OnApplicationShutdown {
  readonly #settings: InspectorSettings;
  readonly #modules: ModulesContainer;
  #feeds: readonly ShownFeed[] = [];
  #recorders: readonly FeedRecorder[] = [];
  #timer: Timer;
  /** Resolves when the first check of all stores has ended, at the latest after an interval. */
  #checked: Promise<unknown> = Promise.resolve();
  #endCheck: () => void = () => undefined;
  #lastAskedAtMs = 0;
  #computed: Computed | undefined;
  #explanations = 0;
  #hasEnded = false;
  #startedAt = new Date().toISOString();

  constructor(
    @Inject(INSPECTOR_OPTIONS) options: InspectorOptions,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#settings = resolveInspectorSettings(options);
    this.#modules = modules;
  }

  /** Called by Nest when all feeds are open. */
  async onModuleInit(): Promise<void> {
    const all = namedContextsIn(this.#modules);
    try {
      this.#feeds = shownFeeds(all, this.#settings.feeds);
    } catch (error) {
      // The start fails here, and no caller has an application to close, so close the feeds here.
      await Promise.allSettled(all.map(({ context }) => context.close()));
      throw error;
    }
    this.#startedAt = new Date(this.#clock.now() - process.uptime() * 1000).toISOString();
    if (this.#settings.alwaysOn) this.#start();
  }

  /** Called by Nest. */
  onApplicationShutdown(): void {
    this.#hasEnded = true;
    this.#stop();
  }

  /**
   * The state of all feeds, or of one, as JSON. It waits for the first check of the stores.
   * @throws NotificationsError `feed_unknown` or `draining`
   */
  async state(feed: string | undefined): Promise<string> {
    if (feed !== undefined) this.#find(feed);
    // A request on a connection that is still open after shutdown must not start a timer.
    this.#rejectAfterEnd();
    this.#lastAskedAtMs = this.#clock.monotonic();
    if (this.#recorders.length === 0) this.#start();
    await this.#checked;
    this.#rejectAfterEnd();
    const { state, texts } = this.#current();
    const key = feed ?? '';
    const known = texts.get(key);
    if (known !== undefined) return known;
    const feeds = feed === undefined ? state.feeds : state.feeds.filter(({ name }) => name === feed);
    const text = JSON.stringify({ ...state, feeds });
    texts.set(key, text);
    return text;
  }

  /** @throws NotificationsError `feed_unknown`, `inspector_busy`, or an error of `explain` */
  async explain({ id, feed, ...question }: ExplainRequest): Promise<NotificationStory> {
    const { context } = this.#find(feed);
    if (this.#explanations >= EXPLANATIONS_MAX) {
      const message = `the inspector explains ${EXPLANATIONS_MAX} notifications at the moment; retry`;
      throw new NotificationsError('inspector_busy', message);
    }
    this.#explanations++;
    try {
      return await explain(context, id, question);
    } finally {
      this.#explanations--;
    }
  }

  get #clock(): Clock {
    return this.#feeds[0]?.context.clock ?? systemClock;
  }

  #find(name: string | undefined): ShownFeed {
    const [first, ...others] = this.#feeds;
    const found = name === undefined && others.length === 0 ? first : this.#feeds.find((feed) => feed.name === name);
    if (found) return found;
    const names = this.#feeds.map((feed) => feed.name).join(', ');
    throw new NotificationsError('feed_unknown', `feed must be one of: ${names}`);
  }

  #current(): Computed {
    const atMs = this.#clock.monotonic();
    if (this.#computed && atMs - this.#computed.atMs < REFRESH_MS) return this.#computed;
    const time = new Date(this.#clock.now()).toISOString();
    const feeds = this.#recorders.map(feedReport);
    const feedNames = this.#feeds.map(({ name }) => name);
    const state = { time, startedAt: this.#startedAt, refreshMs: REFRESH_MS, feedNames, feeds };
    this.#computed = { atMs, state, texts: new Map() };
    return this.#computed;
  }

  /** @throws NotificationsError `draining` */
  #rejectAfterEnd(): void {
    if (this.#hasEnded) throw new NotificationsError('draining', DRAINING);
  }

  #start(): void {
    const { deliveryBytesMax } = this.#settings;
    this.#recorders = this.#feeds.map(({ name, context }) => new FeedRecorder({ name, context, deliveryBytesMax }));
    this.#lastAskedAtMs = this.#clock.monotonic();
    const checks = Promise.all(this.#recorders.map((recorder) => recorder.checkHealth()));
    const ended = new Promise<void>((resolve) => {
      this.#endCheck = resolve;
    });
    this.#checked = Promise.race([checks, ended]);
    this.#schedule();
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#tick();
    }, INTERVAL_MS);
  }

  #tick(): void {
    const idleMs = this.#clock.monotonic() - this.#lastAskedAtMs;
    if (!this.#settings.alwaysOn && idleMs >= this.#settings.idleMs) {
      this.#stop();
      return;
    }
    for (const recorder of this.#recorders) {
      recorder.tick();
      void recorder.checkHealth();
    }
    this.#endCheck();
    this.#schedule();
  }

  #stop(): void {
    if (this.#feeds.length > 0) this.#clock.clearTimeout(this.#timer);
    for (const recorder of this.#recorders) recorder.stop();
    this.#recorders = [];
    this.#computed = undefined;
    this.#endCheck();
  }
}

/** @throws Error if there is no feed, if a wanted feed does not exist, or if there are too many */
function shownFeeds(all: readonly NamedContext[], wanted: readonly string[] | undefined): readonly ShownFeed[] {
  const named = all.map(({ name = DEFAULT_FEED, context }) => ({ name, context }));
  const unknown = wanted?.find((name) => !named.some((feed) => feed.name === name));
  const shown = wanted ? named.filter(({ name }) => wanted.includes(name)) : named;
  const names = named.map(({ name }) => name).join(', ');
  if (named.length === 0) throw startError('there is no feed to show; import NotificationsModule.forRoot(…) too');
  if (unknown !== undefined) throw startError(`option feeds has ${JSON.stringify(unknown)}; the feeds are: ${names}`);
  if (shown.length <= FEEDS_MAX) return shown;
  const advice = `list at most ${FEEDS_MAX} in the option feeds. The feeds are: ${names}`;
  throw startError(`the application has ${shown.length} feeds; ${advice}`);
}

function startError(problem: string): Error {
  return new Error(`NotificationsInspectorModule: ${problem}`);
}
