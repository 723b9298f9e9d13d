import type { ConsumerConfig, ConsumerInfo, JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type * as jetstream from '@nats-io/jetstream';
import type * as transport from '@nats-io/transport-node';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { unavailable } from '../shared/unavailable.js';
import type { NewCommit } from './commit.js';
import { PART_HEADER, type RawMessage, subjectOf } from './layout.js';
import type { NatsSettings } from './options.js';

/** What became of a commit: stored, or refused because the stream's last message was another one than expected. */
export type PublishResult = { readonly stored: true } | { readonly stored: false };

/** A message by its sequence, the next one of a subject from a sequence on, or the last one of a subject. */
export type GetQuery =
  | { readonly seq: number }
  | { readonly seq: number; readonly next_by_subj: string }
  | { readonly last_by_subj: string };

/** The answer to a message that was published: the sequence at which it is stored, or why it is not. */
export interface Stored {
  readonly seq: number;
  readonly error?: { readonly err_code: number; readonly description: string };
}

type Library = Pick<typeof transport, 'connect' | 'headers' | 'createInbox'> &
  Pick<typeof jetstream, 'jetstreamManager'>;

export const WRONG_LAST_SEQUENCE = 10071;
export const MESSAGES_EXCEEDED = 10077;
const WRONG_LAST_MSG_ID = 10070;
const STREAM_NOT_FOUND = 10059;
const STREAM_NAME_IN_USE = 10058;

/** How soon a dead connection is noticed that says nothing: after three of them. */
const PING_MS = 10_000;
const RECONNECT_MS = 200;

/**
 * The library adds this to the wall time of its last attempt. Were the clock set back by an hour, it would make none for that hour: the first
 * delay after that is as much less than none.
 */
function reconnectDelay(delayMs = RECONNECT_MS): () => number {
  const aheadMs = (): number => Date.now() - performance.now();
  let before = aheadMs();
  return () => {
    const now = aheadMs();
    const setBackMs = Math.max(0, before - now);
    before = now;
    return setBackMs > delayMs ? -setBackMs : delayMs * (1 + Math.random());
  };
}

/** The connection to the server, and what is asked of it. Whatever it rejects with is `store_unavailable`. */
export class Engine {
  readonly #library: Library;
  readonly #nc: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #settings: NatsSettings;
  #connected = true;
  /** What gives up each request that has no answer yet. */
  readonly #asked = new Set<(error: Error) => void>();

  private constructor(library: Library, nc: NatsConnection, jsm: JetStreamManager, settings: NatsSettings) {
    this.#library = library;
    this.#nc = nc;
    this.#jsm = jsm;
    this.#settings = settings;
  }

  static async connect(settings: NatsSettings): Promise<Engine> {
    const library = await loadLibrary();
    const { connection, timeoutMs } = settings;
    try {
      const nc = await library.connect({
        pingInterval: PING_MS,
        reconnectDelayHandler: reconnectDelay(connection.reconnectTimeWait),
        timeout: timeoutMs,
        ...connection,
        reconnect: true,
        maxReconnectAttempts: -1,
        // A server that is being set up anew refuses for a while; a node recovers from that by itself too.
        ignoreAuthErrorAbort: true,
      });
      const jsm = await library.jetstreamManager(nc, { timeout: timeoutMs, checkAPI: false });
      return new Engine(library, nc, jsm, settings);
    } catch (cause) {
      throw unavailable(`The NATS server cannot be reached: ${nameOf(cause)}.`, cause);
    }
  }

  get connected(): boolean {
    return this.#connected && !this.#nc.isClosed();
  }

  /** The largest message that the server takes, with its headers. */
  get payloadMax(): number {
    return this.#nc.info?.max_payload ?? 1024 * 1024;
  }

  /** Reports when the connection is lost and when it is back, until it is closed. */
  async watch(onChange: (connected: boolean) => void): Promise<void> {
    for await (const { type } of this.#nc.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      if (type === 'reconnect') this.#connected = true;
      else this.#disconnected();
      onChange(this.#connected);
    }
  }

  /** Undefined when there is no such stream. */
  async info(stream = this.#settings.stream): Promise<StreamInfo | undefined> {
    return this.#ask(
      () => this.#jsm.streams.info(stream),
      (code) => code === STREAM_NOT_FOUND,
    );
  }

  /** Undefined when somebody else has just made it. */
  async create(config: Partial<StreamConfig>, name = this.#settings.stream): Promise<StreamInfo | undefined> {
    return this.#ask(
      () => this.#jsm.streams.add({ ...config, name }),
      (code) => code === STREAM_NAME_IN_USE,
    );
  }

  async update(config: Partial<StreamConfig>, stream = this.#settings.stream): Promise<void> {
    await this.#ask(() => this.#jsm.streams.update(stream, config));
  }

  /** Removes the messages of a subject below a sequence. */
  async purge(stream: string, below: { readonly filter: string; readonly seq: number }): Promise<void> {
    await this.#ask(() => this.#jsm.streams.purge(stream, below));
  }

  /** Undefined when there is no such message. */
  async get(query: GetQuery, stream = this.#settings.stream): Promise<RawMessage | undefined> {
    const { replicas } = this.#settings;
    // Any replica answers a direct get, also one that lags behind, and what it does not have yet would be left out.
    const found = await this.#ask(() =>
      replicas === 1 ? this.#jsm.direct.getMessage(stream, query) : this.#jsm.streams.getMessage(stream, query),
    );
    if (!found) return undefined;
    const { seq: sequence, time, subject, header: headers, data } = found;
    return { sequence, timeMs: time.getTime(), subject, headers, data };
  }

  /**
   * Publishes all parts, without waiting in between. The server stores each only if it follows the one before it: the
   * first one by the stream's last sequence, the others also by the id of the part before, as a sequence alone may be that
   * of a message which another node got in. So the last one is stored only if all are.
   */
  async publish({ commit, parts, lastSequence }: NewCommit, prefix: string): Promise<PublishResult> {
    const { timeoutMs } = this.#settings;
    const answers = parts.map(({ topic, header, body }, at) => {
      const headers = this.#library.headers();
      headers.set(PART_HEADER, header);
      headers.set('Nats-Expected-Last-Sequence', String(lastSequence - parts.length + at));
      if (at > 0) headers.set('Nats-Expected-Last-Msg-Id', `${commit}.${at}`);
      const subject = subjectOf(prefix, topic);
      if (at === parts.length - 1) {
        return this.#ask(() => this.#nc.request(subject, body, { headers, timeout: timeoutMs }));
      }
      headers.set('Nats-Msg-Id', `${commit}.${at + 1}`);
      this.#nc.publish(subject, body, { headers });
      return undefined;
    });
    const { error } = (await answers.at(-1))?.json<{ error?: { err_code: number; description: string } }>() ?? {};
    if (!error) return { stored: true };
    if (error.err_code === WRONG_LAST_SEQUENCE || error.err_code === WRONG_LAST_MSG_ID) return { stored: false };
    throw unavailable(`The NATS server refuses to store: ${error.description}.`);
  }

  /** Publishes a message that is stored only if its subject has none. */
  async publishFirst(stream: string, subject: string): Promise<Stored> {
    const headers = this.#library.headers();
    headers.set('Nats-Expected-Stream', stream);
    headers.set('Nats-Expected-Last-Subject-Sequence', '0');
    const answer = await this.#ask(() => this.#nc.request(subject, '', { headers, timeout: this.#settings.timeoutMs }));
    if (!answer) throw unavailable('The NATS server gave no answer.');
    return answer.json<Stored>();
  }

  /** A message that is no commit's. */
  async publishMarker(subject: string): Promise<void> {
    await this.#ask(() => this.#nc.request(subject, '', { timeout: this.#settings.timeoutMs }));
  }

  subscribe(onMessage: (message: Msg) => void): Subscription {
    return this.#nc.subscribe(this.#library.createInbox(this.#settings.connection.inboxPrefix), {
      callback: (error, message) => {
        if (!error) onMessage(message);
      },
    });
  }

  /** Lets the server go on after it asked for flow control. */
  respond(subject: string): void {
    if (this.connected) this.#nc.publish(subject);
  }

  async addConsumer(config: Partial<ConsumerConfig>): Promise<ConsumerInfo> {
    const info = await this.#ask(() => this.#jsm.consumers.add(this.#settings.stream, config));
    if (!info) throw unavailable('The NATS server made no consumer.');
    return info;
  }

  async deleteConsumer(name: string): Promise<void> {
    await this.#ask(() => this.#jsm.consumers.delete(this.#settings.stream, name));
  }

  async close(): Promise<void> {
    this.#disconnected();
    await this.#nc.close();
  }

  async #ask<T>(request: () => Promise<T>, isAbsent?: (code: number) => boolean): Promise<T | undefined> {
    // The client would keep requests for the server that it finds next, and send them long after they were given up.
    if (!this.connected) throw unavailable('The NATS server cannot be reached: not connected.');
    try {
      return await this.#answer(request);
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? Number(cause.code) : 0;
      if (isAbsent?.(code)) return undefined;
      throw unavailable(`The NATS server does not answer: ${nameOf(cause)}.`, cause);
    }
  }

  /** The client waits for an answer until its time is over, also when the connection is gone that it would come by. */
  async #answer<T>(request: () => Promise<T>): Promise<T> {
    let giveUp: ((error: Error) => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        giveUp = reject;
        this.#asked.add(reject);
        request().then(resolve, reject);
      });
    } finally {
      if (giveUp) this.#asked.delete(giveUp);
    }
  }

  #disconnected(): void {
    this.#connected = false;
    for (const giveUp of this.#asked) giveUp(new ConnectionLost());
  }
}

class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

async function loadLibrary(): Promise<Library> {
  try {
    const [{ connect, headers, createInbox }, { jetstreamManager }] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
    ]);
    return { connect, headers, createInbox, jetstreamManager };
  } catch (cause) {
    const message = 'natsStore needs its client library: npm install @nats-io/transport-node @nats-io/jetstream';
    throw new Error(message, { cause });
  }
}

/** What an error is called. Messages stay out, as they may name what nobody should log; JetStream's are its own texts. */
function nameOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown error';
  return cause.name === 'JetStreamApiError' ? `${cause.name}, ${cause.message}` : cause.name;
}
