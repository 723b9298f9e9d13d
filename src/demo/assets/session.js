// The client of nest-notifications, as the server hands it to pages without a bundler.
import { connect } from '/notifications/client.js';
import { EventStream } from './event-stream.js';
import { scaleOf } from './latency.js';
import { Ledger } from './ledger.js';
import { LongPoll } from './long-poll.js';

export const PATH = '/notifications';
/** The three that read one feed; the bell with the client, the others by hand. */
export const CLIENT = 'Bell';
export const POLL = 'Long poll';
export const STREAM = 'Event stream';

const STATE_WORDS = { connecting: 'connecting', waiting: 'waiting to reconnect', offline: 'offline' };
/** The words for a good connection: a poll is held, a stream is live. */
const OPEN_WORDS = { [POLL]: 'holding', [STREAM]: 'live' };
/** A sample every two seconds is nothing to ring for. */
const RINGS = ({ type }) => type !== 'process.sample';
const PULLED = 'the cable is pulled';

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
  /** Why the plain clients rest, if they do. */
  #resting;
  #lastWords = new Map();
  #hasEnded = false;
  #frame;

  /**
   * @param {string[]} topics @param {{ bell: object, cables: object, columns: Record<string,
   * object>, announcer: object }} page
   */
  constructor(topics, page) {
    this.#topics = topics;
    this.#page = page;
    for (const part of [page.bell, page.cables, ...Object.values(page.columns)]) part.reset();
    this.#connectClient();
    // After the client's own listener: the network of the device is back, the cable is still
    // pulled.
    addEventListener('online', this.#stayPulled);
    this.#show();
  }

  /** Pulls the cables of these readers, or puts them back. */
  pull(names, isPulled) {
    for (const name of names) {
      if (isPulled) this.#pulled.add(name);
      else this.#pulled.delete(name);
      this.#page.cables.cable(name, isPulled);
      this.#plug(name);
    }
  }

  /**
   * The plain clients let go of their connections: a browser has six to a server, for all of its
   * tabs.
   */
  rest(why) {
    this.#resting = why;
    for (const name of [POLL, STREAM]) this.#plug(name);
  }

  wake() {
    this.#resting = undefined;
    for (const name of [POLL, STREAM]) this.#plug(name);
  }

  /** The server has taken these, so they must arrive. */
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
      // The first place that it has is where the others begin too, so that all owe the same.
      store: { load: () => undefined, save: (cursor) => this.#begin(cursor) },
      onGap: (gap) => {
        listener.onGap(gap);
        if (!this.#hasEnded) bell.gap(gap);
      },
    });
    let refusal;
    const tell = (state) => {
      const detail = state.phase === 'offline' && this.#pulled.has(CLIENT) ? PULLED : refusal;
      listener.onState(state.phase === 'live' ? 'open' : state.phase, detail, state.phase);
      if (!this.#hasEnded) bell.state(state, detail);
    };
    this.#feed = feed;
    tell(feed.state);
    feed.onState(tell);
    feed.subscribe({
      next: (notification) => {
        listener.onNotification(notification);
        if (!this.#hasEnded && RINGS(notification)) bell.notification(notification);
      },
      error: ({ message }) => {
        refusal = message;
        tell(feed.state);
        // Without its answer the others have no position to begin at.
        for (const name of [POLL, STREAM]) {
          if (!this.#readers.has(name)) this.#listener(name).onState('offline', message);
        }
      },
    });
    // A page cannot take itself off the network. It can dispatch the events of a browser to the
    // client.
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
   * The events of a reader go to its column, if it has one, to its lane and into the ledger, while
   * its topics are followed.
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
    const whilePresent =
      (tell) =>
      (...news) => {
        if (!this.#hasEnded) tell(...news);
      };
    return Object.fromEntries(Object.entries(listener).map(([event, tell]) => [event, whilePresent(tell)]));
  }

  /** Once for all that comes before the page is painted. */
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
