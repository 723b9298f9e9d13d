import { feedUrl, pause, pauseAfter } from './long-poll.js';

/**
 * The same feed through the browser's own EventSource. It reconnects by itself and sends its last
 * cursor. This class starts it from a cursor. It creates a new EventSource if the browser no longer
 * reconnects, or after `disconnect`.
 */
export class EventStream {
  /** @type {import('./long-poll.js').Listener} */
  #listener;
  #path;
  #topics;
  #cursor;
  #failures = 0;
  #source;
  #request;
  /** @type {AbortController | undefined} */
  #running;

  constructor({ path, topics, cursor }, listener) {
    this.#path = path;
    this.#topics = topics;
    this.#cursor = cursor;
    this.#listener = listener;
  }

  /** Continues from the last cursor. */
  connect() {
    if (this.#running) return;
    this.#running = new AbortController();
    this.#open();
  }

  disconnect(why) {
    this.#running?.abort();
    this.#running = undefined;
    this.#source?.close();
    this.#ended('closed');
    this.#listener.onState('offline', why);
  }

  #open() {
    const url = feedUrl(this.#path, { topics: this.#topics, cursor: this.#cursor });
    const source = new EventSource(url);
    this.#source = source;
    this.#listener.onState('connecting');
    this.#began(url);
    source.onopen = () => {
      this.#failures = 0;
      // The browser has reconnected by itself. It sends Last-Event-ID. The server uses this header
      // instead of the cursor in the URL.
      if (!this.#request) this.#began(url);
      this.#request.status = 200;
      this.#listener.onRequest(this.#request);
      this.#listener.onState('open');
    };
    source.onmessage = (event) => {
      this.#listener.onNotification(JSON.parse(event.data));
      this.#arrived(event, 1);
    };
    source.addEventListener('gap', (event) => {
      this.#listener.onGap(JSON.parse(event.data));
      this.#arrived(event, 0);
    });
    source.onerror = () => {
      this.#ended(this.#request?.status ? undefined : 'no connection');
      if (source.readyState === EventSource.CLOSED) void this.#openLater();
      else this.#listener.onState('waiting', 'the browser reconnects by itself');
    };
  }

  /** The browser does not reconnect after a status other than 200. */
  async #openLater() {
    const { signal } = this.#running;
    const pauseMs = pauseAfter(this.#failures++);
    this.#listener.onState('waiting', `refused; next try in ${(pauseMs / 1_000).toFixed(1)} s`);
    await pause(pauseMs, signal);
    if (!signal.aborted) this.#open();
  }

  #arrived(event, notifications) {
    this.#cursor = event.lastEventId;
    this.#listener.onCursor(this.#cursor);
    if (!this.#request) return;
    this.#request.bytes += new TextEncoder().encode(event.data).length;
    this.#request.notifications += notifications;
    this.#listener.onRequest(this.#request);
  }

  #began(url) {
    this.#request = { url, beganMs: performance.now(), bytes: 0, notifications: 0 };
    this.#listener.onRequest(this.#request);
  }

  #ended(error) {
    const request = this.#request;
    if (!request) return;
    this.#request = undefined;
    request.error = error;
    request.heldMs = performance.now() - request.beganMs;
    this.#listener.onRequest(request);
  }
}
