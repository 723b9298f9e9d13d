import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../core/clock.js';
import { pause } from '../../core/pause.js';
import { within } from '../../core/within.js';
import { unavailable } from '../shared/unavailable.js';
import { isAnswer, nameOf, noAnswer } from './client.js';
import { repeated } from './repeated.js';

/** A request without an answer is sent again after this time. */
const AGAIN_MS = 500;
/** A request that no server received is sent again after this time. */
const RESEND_MS = 50;
/** Requests about consumers are answered within milliseconds, or never without a leader. */
const CONSUMER_MS = 1_000;

export interface RequestsOptions {
  readonly nc: NatsConnection;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** The requests of one connection. Every failure rejects with `store_unavailable`. */
export class Requests {
  readonly #options: RequestsOptions;
  #connected = true;
  /** Rejects each request that has no answer yet. */
  readonly #unanswered = new Set<(error: Error) => void>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected && !this.#options.nc.isClosed();
  }

  reconnected(): void {
    this.#connected = true;
  }

  /** Rejects all requests: the client library would wait for answers that cannot arrive. */
  disconnected(): void {
    this.#connected = false;
    for (const reject of this.#unanswered) reject(new ConnectionLost());
  }

  /** Sends a request once. Returns undefined if `isAbsent` accepts the code of the answer. */
  async send<T>(request: () => Promise<T>, isAbsent?: (code: number) => boolean): Promise<T | undefined> {
    // The client library keeps requests while it reconnects and sends them much too late.
    if (!this.connected) throw unavailable('The NATS server cannot be reached: not connected.');
    try {
      return await this.#answer(request);
    } catch (cause) {
      if (isAbsent?.(codeOf(cause))) return undefined;
      throw unavailable(`The NATS server does not answer: ${nameOf(cause)}.`, cause);
    }
  }

  /**
   * Sends a request again while no server listens on its subject. This happens directly after
   * another node has created the stream. Such a request was not received, so it cannot arrive
   * twice.
   */
  async sendUntilReceived<T>(request: () => Promise<T>): Promise<T | undefined> {
    const { clock, timeoutMs } = this.#options;
    const endsMs = clock.monotonic() + timeoutMs;
    for (;;) {
      try {
        return await this.send(request);
      } catch (error) {
        if (!hadNoResponders(error) || !this.connected || clock.monotonic() >= endsMs) throw error;
      }
      await pause(clock, RESEND_MS);
    }
  }

  /** Sends a request again until the server answers it. Only for requests that may arrive twice. */
  sendAgain<T>(request: () => Promise<T>, isAbsent?: (code: number) => boolean): Promise<T | undefined> {
    const { clock, timeoutMs } = this.#options;
    const settled = new AbortController();
    const options = {
      ...{ clock, everyMs: AGAIN_MS, withinMs: timeoutMs, isFinal: isAnswer },
      isWanted: () => this.connected && !settled.signal.aborted,
    };
    return this.send(() => repeated(request, options), isAbsent).finally(() => {
      settled.abort();
    });
  }

  /** Waits for the answer to a request about a consumer. */
  soon<T>(answer: Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    return within(answer, { clock, timeoutMs: Math.min(timeoutMs, CONSUMER_MS), late: noAnswer });
  }

  async #answer<T>(request: () => Promise<T>): Promise<T> {
    let giveUp: ((error: Error) => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        giveUp = reject;
        this.#unanswered.add(reject);
        request().then(resolve, reject);
      });
    } finally {
      if (giveUp) this.#unanswered.delete(giveUp);
    }
  }
}

/** Whether no server listened on the subject of a request. */
function hadNoResponders(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name.startsWith('NoResponders')) return true;
  }
  return false;
}

/** The code of an error that JetStream answers; 0 for any other error. */
export function codeOf(error: unknown): number {
  return error instanceof Error && 'code' in error ? Number(error.code) : 0;
}

class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}
