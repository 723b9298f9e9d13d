// The client of nest-notifications, as the server serves it to pages without a bundler.
import { connect } from '/notifications/client.js';
import { EventStream } from './event-stream.js';
import { scaleOf } from './latency.js';
import { Ledger } from './ledger.js';
import { LongPoll } from './long-poll.js';

export const PATH = '/notifications';
/** The three readers of one feed. The bell uses the client; the others are written by hand. */
export const CLIENT = 'Bell';
export const POLL = 'Long poll';
export const STREAM = 'Event stream';

const STATE_WORDS = { connecting: 'connecting', waiting: 'waiting to reconnect', offline: 'offline' };
/** The words for a good connection: a poll is held, a stream is live. */
const OPEN_WORDS = { [POLL]: 'holding', [STREAM]: 'live' };
/** The bell does not ring for the samples, which arrive every two seconds. */
const RINGS = ({ type }) => type !== 'process.sample';
const PULLED = 'the cable is pulled';

/**
 * @typedef {{ bell: object, cables: object, columns: Record<string, object>, announcer: object }}
 * Page
 */

/**
 * The session of some topics: three readers that begin at one cursor, and the ledger of their
 * notifications.
 */
export class Session {
  #topics;
  #page;
  #ledger = new Ledger(CLIENT, POLL, STREAM);
  /** @type {Map<string, { connect(): void, disconnect(why?: string): void }>} */
  #readers = new Map();
  #feed;
  #pulled = new Set();
  /** The reason why the plain clients are paused, if they are. */
  #resting;
  #lastWords = new Map();
  #hasEnded = false;
  #frame;

  /**
   * @param {string[]} topics
   * @param {Page} page
   */
  constructor(topics, page) {
    this.#topics = topics;
    this.#page = page;
    for (const part of [page.bell, page.cables, ...Object.values(page.columns)]) part.reset();
    this.#connectClient();
    // This listener runs after the client's own one. The client reconnects when the device is
    // online, so this listener disconnects pulled readers again.
    addEventListener('online', this.#stayPulled);
    this.#show();
  }

  /** Disconnects these readers, or reconnects them. */
  pull(names, isPulled) {
    for (const name of names) {
      if (isPulled) this.#pulled.add(name);
      else this.#pulled.delete(name);
      this.#page.cables.cable(name, isPulled);
      this.#plug(name);
    }
  }

  /** Closes the plain clients' connections: all tabs of a browser share six per server. */
  rest(why) {
    this.#resting = why;
    for (const name of [POLL, STREAM]) this.#plug(name);
  }

  wake() {
    this.#resting = undefined;
    for (const name of [POLL, STREAM]) this.#plug(name);
  }

  /**
   * Adds the ids of notifications that the server has accepted, so every reader must receive them.
   */
  published(topic, ids) {
    if (!this.#topics.includes(topic)) return;
    this.#ledger.published(ids);
    this.#show();
  }

  end() {
    this.#hasEnded = true;
    removeEventListener('online', this.#stayPulled);
    cancelAnimationFrame(this.#frame);
    this.#feed.close();
    for (const name of [POLL, STREAM]) this.#readers.get(name)?.disconnect();
  }

  #stayPulled = ({ isTrusted }) => {
    if (isTrusted && this.#pulled.has(CLIENT)) this.#plug(CLIENT);
  };

  #connectClient() {
    const { bell } = this.#page;
    const listener = this.#listener(CLIENT);
    const feed = connect({
      url: PATH,
      topics: this.#topics,
      // The other readers start from this first cursor too, so all must receive the same.
      store: { load: () => undefined, save: (cursor) => this.#begin(cursor) },
      onGap: (gap) => {
        listener.onGap(gap);
        if (!this.#hasEnded) bell.gap(gap);
      },
    });
    let refusal;
    const report = (state) => {
      const detail = state.phase === 'offline' && this.#pulled.has(CLIENT) ? PULLED : refusal;
      listener.onState(state.phase === 'live' ? 'open' : state.phase, detail, state.phase);
      if (!this.#hasEnded) bell.state(state, detail);
    };
    this.#feed = feed;
    report(feed.state);
    feed.onState(report);
    feed.subscribe({
      next: (notification) => {
        listener.onNotification(notification);
        if (!this.#hasEnded && RINGS(notification)) bell.notification(notification);
      },
      error: ({ message }) => {
        refusal = message;
        report(feed.state);
        // Without an answer to the client, the other readers have no cursor to start from.
        for (const name of [POLL, STREAM]) {
          if (!this.#readers.has(name)) this.#listener(name).onState('offline', message);
        }
      },
    });
    // A page cannot disconnect itself from the network. It dispatches the events that a browser
    // dispatches when the network changes.
    this.#readers.set(CLIENT, {
      connect: () => dispatchEvent(new Event('online')),
      disconnect: () => dispatchEvent(new Event('offline')),
    });
  }

  #begin(cursor) {
    if (this.#readers.has(POLL) || this.#hasEnded) return;
    const feed = { path: PATH, topics: this.#topics, cursor };
    this.#readers.set(POLL, new LongPoll(feed, this.#listener(POLL)));
    this.#readers.set(STREAM, new EventStream(feed, this.#listener(STREAM)));
    for (const name of [POLL, STREAM]) {
      this.#page.columns[name].cursor(cursor);
      this.#plug(name);
    }
  }

  #plug(name) {
    const reader = this.#readers.get(name);
    const why = this.#pulled.has(name) ? PULLED : name === CLIENT ? undefined : this.#resting;
    if (why === undefined) reader?.connect();
    else reader?.disconnect(why);
  }

  /**
   * Passes the events of a reader to its column, if it has one, to its lane and to the ledger,
   * until the session ends.
   */
  #listener(name) {
    const { columns, cables, announcer } = this.#page;
    const column = columns[name];
    // Notifications of the first connection are on time, however long it took to open.
    let openSinceMs = 0;
    const listener = {
      onState: (state, detail, words = state === 'open' ? OPEN_WORDS[name] : STATE_WORDS[state]) => {
        if (state === 'open') openSinceMs = Math.min(openSinceMs, Date.now());
        else if (state !== 'connecting') openSinceMs = Infinity;
        column?.state(state, words, detail);
        cables.state(name, state, this.#pulled.has(name) ? PULLED : words);
        if (!column || state === 'connecting' || this.#lastWords.get(name) === words) return;
        this.#lastWords.set(name, words);
        announcer.say(name, `${name}: ${words}.`);
      },
      onNotification: (notification) => {
        const publishedMs = Date.parse(notification.time);
        const caughtUp = publishedMs < openSinceMs;
        column?.notification(notification, { latencyMs: Date.now() - publishedMs, caughtUp });
        this.#ledger.arrived(name, notification.id, caughtUp);
        this.#show();
      },
      onGap: (gap) => {
        column?.gap(gap);
        this.#ledger.gap(name);
        announcer.say(`${name} gap`, `${name}: gap, ${gap.reason}.`);
      },
      onCursor: (cursor) => column.cursor(cursor),
      onRequest: (request) => column.request(request),
    };
    const untilEnd =
      (handle) =>
      (...args) => {
        if (!this.#hasEnded) handle(...args);
      };
    return Object.fromEntries(Object.entries(listener).map(([event, handle]) => [event, untilEnd(handle)]));
  }

  /** Draws once for all events before the next paint. */
  #show() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#page.cables.show(this.#ledger);
      const columns = Object.values(this.#page.columns);
      const scaleMs = scaleOf(Math.max(...columns.map(({ latency }) => latency.summary()?.max ?? 0)));
      for (const column of columns) column.drawLatency(scaleMs);
    });
  }
}
