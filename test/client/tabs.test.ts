import { afterEach, describe, expect, test } from '@jest/globals';
import type { ConnectOptions } from 'nest-notifications/client';
import { type Channel, type Environment, type Locks, runtime } from '../../src/client/environment.js';
import { Feed } from '../../src/client/feed.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { upTo } from '../support/http/feed.js';
import { turn, until } from '../support/http/until.js';

interface Numbered {
  readonly id: string;
  readonly n: number;
}

afterEach(endTest);

/** A log that tabs poll, each poll held until there is something; its cursor is a position. */
class Log {
  head = 0;
  /** Up to where a node shows the log that answers those who do not wait. */
  lag = 0;
  polls = 0;
  /** Holds back the answers to those who have no place yet. */
  gate: Promise<void> | undefined;
  /** Whether a token is good. */
  accepts: (token: string) => boolean = () => true;
  readonly #held = new Set<() => void>();

  publish(count: number): void {
    this.head += count;
    for (const answer of [...this.#held]) answer();
  }

  get held(): number {
    return this.#held.size;
  }

  readonly fetch = async (
    text: string,
    { signal, headers }: RequestInit & { signal: AbortSignal },
  ): Promise<Response> => {
    const url = new URL(text);
    const { Authorization = '' } = headers as Record<string, string>;
    if (!this.accepts(Authorization.replace('Bearer ', ''))) return Response.json({}, { status: 401 });
    this.polls++;
    if (!url.searchParams.has('cursor')) await this.gate;
    const after = Number(url.searchParams.get('cursor') ?? this.head);
    const waits = url.searchParams.get('wait') !== '0';
    if (waits && after >= this.head) {
      await new Promise<void>((resolve, reject) => {
        const done = (): void => {
          this.#held.delete(done);
          resolve();
        };
        this.#held.add(done);
        signal.addEventListener('abort', () => {
          this.#held.delete(done);
          reject(new Error('aborted'));
        });
      });
    }
    const head = waits ? this.head : Math.max(after, this.head - this.lag);
    const notifications = upTo(head)
      .filter((n) => n > after)
      .map((n) => ({ id: `id-${n}`, n }));
    return Response.json({ notifications, cursor: String(head), more: false });
  };
}

/** What tabs of one browser share. */
class Browser {
  readonly #channels = new Set<Channel>();
  readonly #queue: (() => void)[] = [];
  #isLocked = false;
  /** Whether a message arrives. */
  passes: (message: { type: string }) => boolean = () => true;

  readonly locks: Locks = {
    request: (_name, { signal }, task) =>
      new Promise((resolve) => {
        const take = (): void => {
          if (signal.aborted) {
            this.#next();
            return;
          }
          void task().then(() => {
            this.#next();
            resolve(undefined);
          });
        };
        if (this.#isLocked) this.#queue.push(take);
        else {
          this.#isLocked = true;
          queueMicrotask(take);
        }
      }),
  };

  #next(): void {
    const next = this.#queue.shift();
    if (next) queueMicrotask(next);
    else this.#isLocked = false;
  }

  readonly channel = (): Channel => {
    const channel: Channel = {
      onmessage: null,
      postMessage: (message) => {
        if (!this.passes(message as { type: string })) return;
        const data: unknown = structuredClone(message);
        for (const other of this.#channels) if (other !== channel) setImmediate(() => other.onmessage?.({ data }));
      },
      close: () => {
        this.#channels.delete(channel);
      },
    };
    this.#channels.add(channel);
    return channel;
  };
}

interface TabOptions {
  readonly cursor?: string;
  /** Its application takes one notification, and then none until it is released. */
  readonly isSlow?: boolean;
  readonly auth?: ConnectOptions['auth'];
}

interface Tab {
  readonly feed: Feed<Numbered>;
  readonly seen: number[];
  readonly errors: unknown[];
  release(): void;
}

function openTab(log: Log, browser: Browser, { cursor, isSlow = false, auth }: TabOptions = {}): Tab {
  const environment: Environment = {
    ...runtime,
    fetch: log.fetch as never,
    // What takes seconds takes tenths of them here.
    setTimeout: (task, ms) => setTimeout(task, ms / 10),
    locks: browser.locks,
    channel: browser.channel,
  };
  const options = {
    url: 'http://feed/',
    transport: 'poll',
    share: 'orders',
    wait: 500,
    ...(cursor && { cursor }),
    ...(auth && { auth }),
  } as const;
  const feed = new Feed<Numbered>(options, environment);
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
  return { feed, seen, errors, release: () => release() };
}

async function leaderOf(log: Log, browser: Browser): Promise<Tab> {
  const leader = openTab(log, browser);
  await until(() => log.held === 1);
  return leader;
}

describe('tabs that share a feed', () => {
  test('ask once for all, and all get all', async () => {
    const [log, browser] = [new Log(), new Browser()];
    await leaderOf(log, browser);
    const tabs = Array.from({ length: 5 }, () => openTab(log, browser));
    await until(() => tabs.every(({ feed }) => feed.cursor !== undefined));
    log.publish(3);
    await until(() => tabs.every(({ seen }) => seen.length === 3));
    expect(log.held).toBe(1);
  });

  test('catch up by themselves from an old place, and get nothing twice', async () => {
    const [log, browser] = [new Log(), new Browser()];
    log.publish(5);
    const { seen: first } = await leaderOf(log, browser);
    log.publish(5);
    await until(() => first.length === 5);
    // The leader’s next delivery begins where the leader is: before what the newcomer has caught up with.
    browser.passes = ({ type }) => {
      if (type === 'here') log.publish(2);
      return true;
    };
    const late = openTab(log, browser, { cursor: '2' });
    await until(() => late.seen.length === 10);
    log.publish(1);
    await until(() => late.seen.length === 11);
    expect(late.seen).toEqual(upTo(13).filter((n) => n > 2));
  });

  test('miss nothing when they come before the leader has a place', async () => {
    const [log, browser] = [new Log(), new Browser()];
    log.publish(2);
    let open = (): void => undefined;
    log.gate = new Promise((resolve) => (open = resolve));
    openTab(log, browser);
    await until(() => log.polls === 1);
    const late = openTab(log, browser, { cursor: '0' });
    await until(() => late.seen.length === 2);
    log.publish(1);
    open();
    await until(() => log.held === 1);
    log.publish(1);
    await until(() => late.seen.includes(4));
    expect(late.seen).toEqual(upTo(4));
  });

  test('wait for what the leader has got and the node that answers has not', async () => {
    const [log, browser] = [new Log(), new Browser()];
    const leader = await leaderOf(log, browser);
    log.publish(4);
    await until(() => leader.seen.length === 4);
    log.lag = 3;
    const late = openTab(log, browser, { cursor: '0' });
    await until(() => late.seen.length >= 1);
    log.publish(1);
    await until(() => late.seen.length === 5);
    expect(late.seen).toEqual(upTo(5));
  });

  test('read again what was not told to them', async () => {
    const [log, browser] = [new Log(), new Browser()];
    await leaderOf(log, browser);
    const other = openTab(log, browser);
    await until(() => other.feed.cursor !== undefined);
    browser.passes = ({ type }) => type !== 'delivery';
    log.publish(2);
    await turn(20);
    browser.passes = () => true;
    log.publish(2);
    await until(() => other.seen.length === 4);
    expect(other.seen).toEqual(upTo(4));
  });

  test('ask themselves where the leader does not answer', async () => {
    const [log, browser] = [new Log(), new Browser()];
    await leaderOf(log, browser);
    browser.passes = ({ type }) => type !== 'here' && type !== 'delivery';
    const other = openTab(log, browser);
    await until(() => log.held === 2);
    log.publish(2);
    await until(() => other.seen.length === 2);
  });

  test('take over from one that nobody listens in any more, and from one that is closed', async () => {
    const [log, browser] = [new Log(), new Browser()];
    const first = await leaderOf(log, browser);
    const second = openTab(log, browser);
    const third = openTab(log, browser);
    await until(() => [second, third].every(({ feed }) => feed.cursor !== undefined));
    first.feed.close();
    await until(() => log.held === 1);
    log.publish(3);
    await until(() => third.seen.length === 3);
    second.feed.close();
    await until(() => log.held === 1);
    log.publish(3);
    await until(() => third.seen.length === 6);
    expect([second.seen, third.seen]).toEqual([upTo(3), upTo(6)]);
  });

  test('get everything at once while the application of the one that asks is slow, which loses nothing either', async () => {
    const [log, browser] = [new Log(), new Browser()];
    const leader = openTab(log, browser, { isSlow: true });
    await until(() => log.held === 1);
    const others = Array.from({ length: 3 }, () => openTab(log, browser));
    await until(() => others.every(({ feed }) => feed.cursor !== undefined));
    // More than the leader's loop and its memory hold together.
    for (let round = 1; round <= 8; round++) {
      log.publish(500);
      await until(() => others.every(({ seen }) => seen.length === 500 * round));
    }
    expect(leader.seen.length).toBeLessThan(10);
    leader.release();
    await until(() => leader.seen.length === 4_000);
    log.publish(1);
    await until(() => [leader, ...others].every(({ seen }) => seen.length === 4_001));
    for (const { seen } of [leader, ...others]) expect(seen).toEqual(upTo(4_001));
  });

  test('refresh a token in the one that asks, and when it is refused for good, the next one asks with its own', async () => {
    const [log, browser] = [new Log(), new Browser()];
    const tab = (name: string) =>
      openTab(log, browser, { auth: ({ refused }) => `${name}${refused ? ' refreshed' : ''}` });
    const first = tab('first');
    await until(() => log.held === 1);
    const second = tab('second');
    await until(() => second.feed.cursor !== undefined);
    log.accepts = (token) => token === 'first refreshed';
    for (let n = 1; n <= 3; n++) {
      log.publish(1);
      await until(() => log.held === 1 && second.seen.length === n);
    }
    log.accepts = (token) => token.startsWith('second');
    log.publish(1);
    await until(() => first.errors.length === 1 && log.held === 1);
    log.publish(1);
    await until(() => second.seen.length === 5);
    expect([first.seen, second.seen]).toEqual([upTo(4), upTo(5)]);
    expect(first.errors).toMatchObject([{ status: 401 }]);
  });
});
