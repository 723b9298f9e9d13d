import type { ConnectOptions } from 'nest-notifications/client';
import { ManualClock } from 'nest-notifications/testing';
import type { Timer } from '../../src/core/clock.js';
import { type DeviceEvent, type Environment, runtime } from '../../src/client/environment.js';
import { NotificationsFeed } from '../../src/client/notifications-feed.js';
import type { BrowserApis, Channel, Locks } from '../../src/client/tabs/browser-apis.js';
import { shareThrough } from '../../src/client/tabs/tab-group.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { upTo } from '../support/http/feed.js';
import { until } from '../support/time/until.js';

export interface Numbered {
  readonly id: string;
  readonly n: number;
}

type FetchInit = RequestInit & { readonly signal: AbortSignal };

/**
 * A server with one log, whose cursors are positions. It holds a poll until its wait has passed.
 */
export class Log {
  head = 0;
  /** How far the node that answers polls without a wait lags behind. */
  lag = 0;
  polls = 0;
  /** Whether every answer has a gap. */
  gap = false;
  /** Delays the answers to polls without a cursor. */
  gate: Promise<void> | undefined;
  /** Whether a token is valid. */
  accepts: (token: string) => boolean = () => true;
  readonly #clock: ManualClock;
  readonly #held = new Set<() => void>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  publish(count: number): void {
    this.head += count;
    for (const answer of [...this.#held]) answer();
  }

  /** The number of polls that wait for new notifications. */
  get held(): number {
    return this.#held.size;
  }

  readonly fetch = async (text: string, { signal, headers }: FetchInit): Promise<Response> => {
    const query = new URL(text).searchParams;
    const { Authorization = '' } = headers as Record<string, string>;
    if (!this.accepts(Authorization.replace('Bearer ', ''))) return Response.json({}, { status: 401 });
    this.polls++;
    if (!query.has('cursor')) await this.gate;
    const after = Number(query.get('cursor') ?? this.head);
    if (!(after <= this.head)) return Response.json({ code: 'cursor_invalid' }, { status: 400 });
    const waitMs = Number(query.get('wait')) * 1000;
    if (waitMs > 0 && after >= this.head) await this.#arrival(waitMs, signal);
    const head = waitMs > 0 ? this.head : Math.max(after, this.head - this.lag);
    const notifications = upTo(head)
      .filter((n) => n > after)
      .map((n) => ({ id: `id-${n}`, n }));
    const gap = this.gap ? { gap: { reason: 'expired' } } : {};
    return Response.json({ notifications, cursor: String(head), more: false, ...gap });
  };

  #arrival(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#held.delete(answer);
        this.#clock.clearTimeout(timer);
      };
      const answer = (): void => {
        end();
        resolve();
      };
      const timer = this.#clock.setTimeout(answer, waitMs);
      this.#held.add(answer);
      signal.addEventListener('abort', () => {
        end();
        reject(new Error('aborted'));
      });
    });
  }
}

interface LockRequest {
  readonly tab: TabDevice;
  readonly task: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** One Web Lock. */
class Lock {
  readonly #clock: ManualClock;
  #holder: LockRequest | undefined;
  #queue: LockRequest[] = [];

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  request(request: LockRequest, steal: boolean): void {
    const holder = this.#holder;
    if (steal) {
      this.#holder = undefined;
      holder?.tab.run(() => {
        holder.reject(new DOMException('stolen', 'AbortError'));
      });
      this.#queue.unshift(request);
    } else this.#queue.push(request);
    this.#next();
  }

  remove(tab: TabDevice): void {
    this.#queue = this.#queue.filter((request) => request.tab !== tab);
    if (this.#holder?.tab === tab) this.#holder = undefined;
    this.#next();
  }

  #next(): void {
    if (this.#holder) return;
    const request = this.#queue.shift();
    if (!request) return;
    if (request.signal?.aborted) {
      request.reject(new DOMException('left', 'AbortError'));
      this.#next();
      return;
    }
    this.#holder = request;
    const release = (): void => {
      request.resolve();
      if (this.#holder !== request) return;
      this.#holder = undefined;
      this.#next();
    };
    this.#clock.setImmediate(() => {
      request.tab.run(() => void request.task().then(release));
    });
  }
}

/** The locks and channels that the tabs of one browser share. */
export class Browser {
  readonly clock = new ManualClock();
  readonly log = new Log(this.clock);
  readonly tabs = new Set<TabDevice>();
  /** Decides whether a message arrives. */
  passes: (message: { type: string }) => boolean = () => true;
  /** Every message that was posted, in order. */
  readonly messages: { type: string }[] = [];
  /** The names of all locks and channels. */
  readonly names = new Set<string>();
  readonly #locks = new Map<string, Lock>();

  lock(name: string): Lock {
    const lock = this.#locks.get(name) ?? new Lock(this.clock);
    this.#locks.set(name, lock);
    return lock;
  }

  /** Removes the locks and channels of a tab, as its crash does. */
  remove(tab: TabDevice): void {
    this.tabs.delete(tab);
    for (const lock of this.#locks.values()) lock.remove(tab);
  }

  /** Posts a message to a channel, as a script of the same origin does. */
  post(name: string, data: unknown, from?: Channel): void {
    for (const tab of this.tabs) {
      for (const channel of tab.channels.get(name) ?? []) {
        if (channel !== from) this.clock.setImmediate(() => tab.run(() => channel.onmessage?.({ data })));
      }
    }
  }
}

/** A page with its own event loop, which can be frozen. */
export class TabDevice {
  readonly #browser: Browser;
  #tasks: (() => void)[] | undefined;
  #listeners: ((event: DeviceEvent) => void)[] = [];
  readonly channels = new Map<string, Set<Channel>>();
  #isHidden = false;
  readonly #timers = new Set<Timer>();
  #connections = new AbortController();

  constructor(browser: Browser) {
    this.#browser = browser;
    browser.tabs.add(this);
  }

  /** Runs a task now, or when a frozen page resumes. */
  run(task: () => void): void {
    if (this.#tasks) this.#tasks.push(task);
    else task();
  }

  /** Stops all code of the page. Some browsers cut its connections, too. */
  freeze({ cuts = true } = {}): void {
    this.#tasks = [];
    if (!cuts) return;
    this.#connections.abort();
    this.#connections = new AbortController();
  }

  resume(): void {
    const tasks = this.#tasks ?? [];
    this.#tasks = undefined;
    this.emit('resumed');
    for (const task of tasks) task();
  }

  /** Ends the page without any of its code. The browser frees its connections and locks. */
  crash(): void {
    this.freeze();
    for (const timer of this.#timers) this.#browser.clock.clearTimeout(timer);
    this.#browser.remove(this);
  }

  emit(event: DeviceEvent): void {
    if (event === 'hidden' || event === 'visible') this.#isHidden = event === 'hidden';
    for (const listener of [...this.#listeners]) listener(event);
  }

  readonly environment = (more: Partial<Environment> = {}): Environment => {
    const { clock, log } = this.#browser;
    return {
      ...runtime,
      fetch: ((url: string, init: FetchInit) => {
        const signal = AbortSignal.any([init.signal, this.#connections.signal]);
        const response = log.fetch(url, { ...init, signal });
        return new Promise((resolve, reject) => {
          response.then(
            (value) => this.run(() => resolve(value)),
            (error: unknown) => this.run(() => reject(error as Error)),
          );
        });
      }) as unknown as Environment['fetch'],
      random: () => 0,
      now: () => clock.monotonic(),
      isHidden: () => this.#isHidden,
      setTimeout: (task, ms) => {
        const timer = clock.setTimeout(() => this.run(task), ms);
        this.#timers.add(timer);
        return timer;
      },
      clearTimeout: (timer) => {
        clock.clearTimeout(timer as never);
      },
      watch: (listener) => {
        this.#listeners.push(listener);
        return () => (this.#listeners = this.#listeners.filter((other) => other !== listener));
      },
      ...more,
    };
  };

  readonly locks: Locks = {
    request: (name, options, task) =>
      new Promise((resolve, reject) => {
        this.#browser.names.add(name);
        const signal = 'signal' in options ? options.signal : undefined;
        const request = { tab: this, task, signal, reject, resolve: () => resolve(undefined) };
        this.#browser.lock(name).request(request, 'steal' in options);
      }),
  };

  readonly openChannel = (name: string): Channel => {
    const browser = this.#browser;
    browser.names.add(name);
    const channel: Channel = {
      onmessage: null,
      postMessage: (message) => {
        browser.messages.push(message as { type: string });
        if (!browser.passes(message as { type: string })) return;
        const data: unknown = structuredClone(message);
        browser.post(name, data, channel);
      },
      close: () => {
        this.channels.get(name)?.delete(channel);
      },
    };
    this.channels.set(name, (this.channels.get(name) ?? new Set()).add(channel));
    return channel;
  };
}

export interface TabOptions {
  readonly cursor?: string;
  /** The application takes one notification, and the next one after `release`. */
  readonly isSlow?: boolean;
  readonly auth?: NonNullable<ConnectOptions['auth']>;
  readonly topics?: readonly string[];
  readonly onGap?: NonNullable<ConnectOptions['onGap']>;
  /** The page, if it has other feeds. */
  readonly device?: TabDevice;
  readonly environment?: Partial<Environment>;
  readonly apis?: BrowserApis;
}

export interface Tab {
  readonly feed: NotificationsFeed<Numbered>;
  readonly device: TabDevice;
  readonly seen: number[];
  readonly errors: unknown[];
  release(): void;
}

export function openTab(browser: Browser, options: TabOptions = {}): Tab {
  const { isSlow = false, device = new TabDevice(browser), environment, apis = device, ...others } = options;
  const feed = new NotificationsFeed<Numbered>(
    { url: 'http://feed/', transport: 'poll', share: shareThrough(apis, 'orders'), ...others },
    device.environment(environment),
  );
  const [seen, errors]: [number[], unknown[]] = [[], []];
  let release = (): void => undefined;
  const released = isSlow ? new Promise<void>((resolve) => (release = resolve)) : undefined;
  const read = async (): Promise<void> => {
    for await (const { n } of feed) {
      seen.push(n);
      await released;
    }
  };
  read().catch((error: unknown) => errors.push(error));
  atTestEnd(() => {
    release();
    feed.close();
  });
  return { feed, device, seen, errors, release: () => release() };
}

/** Runs everything that needs no time, until a condition holds. */
export function reaches(browser: Browser, condition: () => boolean): Promise<void> {
  return until(async () => {
    await browser.clock.settle();
    return condition();
  });
}
