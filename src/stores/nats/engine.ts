import type { ConsumerConfig, ConsumerInfo, JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Clock, Timer } from '../../core/clock.js';
import { unavailable } from '../shared/unavailable.js';
import { type Client, connectClient, isAnswer, type Library, nameOf } from './client.js';
import type { NewCommit } from './commit.js';
import { PART_HEADER, type RawMessage, subjectOf } from './layout.js';
import type { NatsSettings } from './options.js';
import { repeated } from './repeated.js';

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

export const WRONG_LAST_SEQUENCE = 10071;
export const MESSAGES_EXCEEDED = 10077;
const WRONG_LAST_MSG_ID = 10070;
const STREAM_NOT_FOUND = 10059;
const STREAM_NAME_IN_USE = 10058;

/** How soon a request without an answer is sent again. */
const AGAIN_MS = 500;
/**
 * How long one attempt to publish takes, so that there is time to look whether it is stored, and
 * for another one.
 */
const PUBLISH_MS = 2_000;
const CONSUMER_MS = 1_000;
/** After which the server removes a consumer that was only asked a question. */
const SAMPLE_NANOS = 5_000 * 1_000_000;

/** The connection to the server, and what is asked of it. Whatever it rejects with is `store_unavailable`. */
export class Engine {
  readonly #library: Library;
  readonly #nc: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #settings: NatsSettings;
  readonly #clock: Clock;
  #connected = true;
  /** What gives up each request that has no answer yet. */
  readonly #asked = new Set<(error: Error) => void>();

  private constructor({ library, nc, jsm }: Client, settings: NatsSettings, clock: Clock) {
    this.#library = library;
    this.#nc = nc;
    this.#jsm = jsm;
    this.#settings = settings;
    this.#clock = clock;
  }

  static async connect(settings: NatsSettings, clock: Clock): Promise<Engine> {
    return new Engine(await connectClient(settings), settings, clock);
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
    return this.#askAgain(
      () => this.#jsm.streams.info(stream),
      (code) => code === STREAM_NOT_FOUND,
    );
  }

  /**
   * A stream, made if there is none. Each attempt looks first: of nodes that make it at once, a
   * cluster answers one, and some versions never answer the others.
   */
  async open(config: Partial<StreamConfig>, name = this.#settings.stream): Promise<StreamInfo> {
    const { streams } = this.#jsm;
    const info = (): Promise<StreamInfo> => streams.info(name);
    const create = (error: unknown): Promise<StreamInfo> => {
      if (codeOf(error) !== STREAM_NOT_FOUND) throw error;
      return streams.add({ ...config, name });
    };
    const lookAgain = (error: unknown): Promise<StreamInfo> => {
      if (codeOf(error) !== STREAM_NAME_IN_USE) throw error;
      return info();
    };
    const found = await this.#askAgain(() => info().catch((error: unknown) => create(error).catch(lookAgain)));
    if (!found) throw unavailable('The NATS server has no stream, and made none.');
    return found;
  }

  /** Changes a part of a stream's configuration. */
  async update(config: Partial<StreamConfig>, stream = this.#settings.stream): Promise<void> {
    await this.#askAgain(() => this.#jsm.streams.update(stream, config));
  }

  /**
   * Changes the description. It is asked for once: an attempt that comes late would undo the change
   * of another node.
   */
  async describe(description: string): Promise<void> {
    await this.#ask(() => this.#jsm.streams.update(this.#settings.stream, { description }));
  }

  /** Removes the messages of a subject below a sequence. */
  async purge(stream: string, below: { readonly filter: string; readonly seq: number }): Promise<void> {
    await this.#ask(() => this.#jsm.streams.purge(stream, below));
  }

  /** Undefined when there is no such message. */
  async get(query: GetQuery, stream = this.#settings.stream): Promise<RawMessage | undefined> {
    const { replicas } = this.#settings;
    // Any replica answers a direct get, also one that lags behind, and what it does not have yet would be left out.
    const found = await this.#askAgain(() =>
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
    const answers = parts.map(({ topic, header, body }, at) => {
      const headers = this.#library.headers();
      headers.set(PART_HEADER, header);
      headers.set('Nats-Expected-Last-Sequence', String(lastSequence - parts.length + at));
      if (at > 0) headers.set('Nats-Expected-Last-Msg-Id', `${commit}.${at}`);
      const subject = subjectOf(prefix, topic);
      if (at === parts.length - 1) {
        return this.#ask(() =>
          this.#nc.request(subject, body, { headers, timeout: Math.min(this.#settings.timeoutMs, PUBLISH_MS) }),
        );
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

  /** A message that is no commit's; answers its sequence. */
  async publishMarker(subject: string): Promise<number> {
    const answer = await this.#ask(() => this.#nc.request(subject, '', { timeout: this.#settings.timeoutMs }));
    const { seq, error } = answer?.json<Stored>() ?? { seq: 0 };
    if (!answer || error) throw unavailable(`The NATS server refuses to store: ${error?.description ?? 'no answer'}.`);
    return seq;
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

  /** Makes a consumer that pushes. It is asked for once, because a second one would push too. */
  async addConsumer(config: Partial<ConsumerConfig>): Promise<ConsumerInfo> {
    const info = await this.#soon(this.#ask(() => this.#jsm.consumers.add(this.#settings.stream, config)));
    if (!info) throw unavailable('The NATS server made no consumer.');
    return info;
  }

  /**
   * What a consumer says of the stream when it begins. It is deleted, or ends by itself after a
   * while.
   */
  async sample(config: Partial<ConsumerConfig>): Promise<ConsumerInfo> {
    const options = { ...config, ack_policy: 'none', mem_storage: true, inactive_threshold: SAMPLE_NANOS } as const;
    const info = await this.#askAgain(() => this.#jsm.consumers.add(this.#settings.stream, options));
    if (!info) throw unavailable('The NATS server made no consumer.');
    void this.deleteConsumer(info.name);
    return info;
  }

  /** Never rejects: a consumer that is left behind ends by itself. */
  async deleteConsumer(name: string): Promise<void> {
    if (!this.connected) return;
    await this.#soon(this.#jsm.consumers.delete(this.#settings.stream, name)).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#disconnected();
    await this.#nc.close();
  }

  /** For requests about consumers, which take milliseconds, or are lost where no leader is. */
  async #soon<T>(answer: Promise<T>): Promise<T> {
    let timer: Timer;
    const late = new Promise<never>((_, reject) => {
      timer = this.#clock.setTimeout(
        () => {
          reject(unavailable('The NATS server does not answer in time.'));
        },
        Math.min(this.#settings.timeoutMs, CONSUMER_MS),
      );
    });
    try {
      return await Promise.race([late, answer]);
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  async #ask<T>(request: () => Promise<T>, isAbsent?: (code: number) => boolean): Promise<T | undefined> {
    // The client would keep requests for the server that it finds next, and send them long after they were given up.
    if (!this.connected) throw unavailable('The NATS server cannot be reached: not connected.');
    try {
      return await this.#answer(request);
    } catch (cause) {
      if (isAbsent?.(codeOf(cause))) return undefined;
      throw unavailable(`The NATS server does not answer: ${nameOf(cause)}.`, cause);
    }
  }

  /** For requests that may arrive twice. */
  #askAgain<T>(request: () => Promise<T>, isAbsent?: (code: number) => boolean): Promise<T | undefined> {
    const { timeoutMs } = this.#settings;
    const asked = new AbortController();
    const options = {
      ...{ clock: this.#clock, everyMs: AGAIN_MS, withinMs: timeoutMs, isFinal: isAnswer },
      isWanted: () => this.connected && !asked.signal.aborted,
    };
    return this.#ask(() => repeated(request, options), isAbsent).finally(() => {
      asked.abort();
    });
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

function codeOf(error: unknown): number {
  return error instanceof Error && 'code' in error ? Number(error.code) : 0;
}

class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}
