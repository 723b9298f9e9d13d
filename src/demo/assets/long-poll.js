/**
 * How long the server may hold a request: below the 30 s after which many proxies cut a quiet
 * connection.
 */
const WAIT_SECONDS = 25;
/**
 * An answer that is this late will not arrive: the connection is broken, although it was not
 * closed.
 */
const LATE_MS = 10_000;
const PAUSE_FIRST_MS = 500;
const PAUSE_MAX_MS = 15_000;

/**
 * The reports of both plain clients.
 *
 * @typedef {'connecting' | 'open' | 'waiting' | 'offline'} State
 *
 * @typedef {object} Listener
 * @property {(state: State, detail?: string) => void} onState
 * @property {(notification: object) => void} onNotification
 * @property {(gap: { reason: string }) => void} onGap
 * @property {(cursor: string) => void} onCursor
 * @property {(request: ClientRequest) => void} onRequest when it starts, changes or ends
 *
 * @typedef {object} ClientRequest
 * @property {string} url
 * @property {number} beganMs
 * @property {number} [status]
 * @property {string} [error]
 * @property {number} [heldMs] once it has ended
 * @property {number} bytes
 * @property {number} notifications
 */

/**
 * A long-poll client written by hand: one request after the other, each with the cursor of the last
 * answer. The client needs nothing more to receive every notification.
 */
export class LongPoll {
  /** @type {Listener} */
  #listener;
  #path;
  #topics;
  #cursor;
  #fetch;
  #pause;
  /** @type {AbortController | undefined} */
  #running;

  /**
   * @param {{ path: string, topics: string[], cursor: string }} feed
   * @param {Listener} listener
   * @param {{ fetch?: Function, pause?: Function }} [runtime] for tests
   */
  constructor({ path, topics, cursor }, listener, runtime = {}) {
    this.#path = path;
    this.#topics = topics;
    this.#cursor = cursor;
    this.#listener = listener;
    this.#fetch = runtime.fetch ?? ((url, options) => fetch(url, options));
    this.#pause = runtime.pause ?? pause;
  }

  /** Continues from the last cursor. */
  connect() {
    if (this.#running) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  /**
   * Aborts the current request. The next one requests the same notifications, because the cursor
   * has not moved.
   */
  disconnect(why) {
    this.#running?.abort();
    this.#running = undefined;
    this.#listener.onState('offline', why);
  }

  async #run(signal) {
    // The first request after a silence does not wait: its answer shows that the connection works.
    let waitSeconds = 0;
    for (let failures = 0; !signal.aborted;) {
      if (waitSeconds === 0) this.#listener.onState('connecting');
      try {
        const page = await this.#ask(waitSeconds, signal);
        if (signal.aborted) return;
        this.#take(page);
        failures = 0;
        waitSeconds = WAIT_SECONDS;
        this.#listener.onState('open');
      } catch (error) {
        if (signal.aborted) return;
        if (error.isFinal) {
          this.disconnect(error.message);
          return;
        }
        const pauseMs = pauseAfter(failures++) + (error.retryAfterMs ?? 0);
        this.#listener.onState('waiting', `${error.message}; next try in ${(pauseMs / 1_000).toFixed(1)} s`);
        await this.#pause(pauseMs, signal);
        waitSeconds = 0;
      }
    }
  }

  /** The cursor moves only after everything before it is delivered. */
  #take({ notifications, cursor, gap }) {
    if (gap) this.#listener.onGap(gap);
    for (const notification of notifications) this.#listener.onNotification(notification);
    this.#cursor = cursor;
    this.#listener.onCursor(cursor);
  }

  async #ask(waitSeconds, signal) {
    const url = feedUrl(this.#path, { topics: this.#topics, cursor: this.#cursor, wait: waitSeconds });
    const request = { url, beganMs: performance.now(), bytes: 0, notifications: 0 };
    this.#listener.onRequest(request);
    try {
      const late = AbortSignal.timeout(waitSeconds * 1_000 + LATE_MS);
      const response = await this.#fetch(url, { signal: AbortSignal.any([signal, late]), cache: 'no-store' });
      request.status = response.status;
      const text = await response.text();
      request.bytes = new TextEncoder().encode(text).length;
      if (!response.ok) throw new Refusal(response, text);
      const page = JSON.parse(text);
      request.notifications = page.notifications.length;
      return page;
    } catch (error) {
      request.error = signal.aborted ? 'aborted' : problemOf(error);
      throw error instanceof Refusal ? error : new Error(request.error);
    } finally {
      request.heldMs = performance.now() - request.beganMs;
      this.#listener.onRequest(request);
    }
  }
}

/** The URL of a read. Topics are repeated rather than joined, so that no comma needs escaping. */
export function feedUrl(path, { topics, cursor, wait }) {
  const query = new URLSearchParams(topics.map((topic) => ['topic', topic]));
  query.set('cursor', cursor);
  if (wait !== undefined) query.set('wait', String(wait));
  return `${path}?${query}`;
}

/**
 * The pause after some failures in a row: a random time up to a bound that doubles ("full jitter").
 * So clients that lose their connections together do not reconnect together.
 */
export function pauseAfter(failures) {
  return Math.random() * Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** failures);
}

/** Ends early when the browser is online again, or when the reader is disconnected. */
export function pause(durationMs, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, durationMs);
    addEventListener('online', done);
    signal.addEventListener('abort', done);
  });
}

/** An error answer. `isFinal`: a retry of the same request does not help. */
class Refusal extends Error {
  constructor({ status, headers }, text) {
    super(`${status} ${messageOf(text)}`.trim());
    this.isFinal = status < 500 && status !== 429;
    this.retryAfterMs = Number(headers.get('Retry-After') ?? 0) * 1_000;
  }
}

function messageOf(text) {
  try {
    return String(JSON.parse(text).message ?? '');
  } catch {
    return '';
  }
}

function problemOf(error) {
  if (error instanceof Refusal) return error.message;
  if (error.name === 'TimeoutError') return 'no answer';
  return error instanceof SyntaxError ? 'no JSON' : 'no connection';
}
