import type {
  ConsumerConfig,
  ConsumerInfo,
  JetStreamManager,
  StoredMsg,
  StreamConfig,
  StreamInfo,
} from '@nats-io/jetstream';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Clock } from '../../core/clock.js';
import { unavailable } from '../shared/unavailable.js';
import { type Client, connectClient, isRejection, type Library, REJECTED } from './client.js';
import type { NewCommit } from './commit.js';
import { PART_HEADER, type RawMessage, subjectOf } from './layout.js';
import type { BatchQuery, GetQuery, NewMessage, Stored } from './messages.js';
import type { NatsSettings } from './options.js';
import { Peers } from './peers.js';
import { codeOf, Requests } from './requests.js';

/**
 * The result of a commit. The server does not store the commit if the last message of the stream
 * is not the expected one.
 */
export type PublishResult = { readonly stored: true } | { readonly stored: false };

export const WRONG_LAST_SEQUENCE = 10071;
export const MESSAGES_EXCEEDED = 10077;
const WRONG_LAST_MSG_ID = 10070;
const STREAM_NOT_FOUND = 10059;
const SEQUENCE_NOT_FOUND = 10043;
const DELETE_FAILED = 10057;
const MESSAGE_NOT_FOUND = 404;
const STREAM_NAME_IN_USE = 10058;
const CONSUMER_NOT_FOUND = 10014;

/** Time limit of one attempt to publish. It leaves time to check the stream and to try again. */
const PUBLISH_MS = 2_000;
/** Requests one message, or an answer at once if there is none. */
const PULL_ONE = JSON.stringify({ batch: 1, no_wait: true });
/** After this idle time the server removes a consumer that only reads the state. */
const SAMPLE_NANOS = 5_000 * 1_000_000;

export interface ConnectionWatch {
  /** The connection is lost, or established again. */
  readonly onChange: (connected: boolean) => void;
  /** The server rejects the credentials. Called once for each time that the connection is lost. */
  readonly onRejected: (message: string) => void;
}

/** The connection to the server and the requests to it. All failures are `store_unavailable`. */
export class Engine {
  readonly #library: Library;
  readonly #nc: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #settings: NatsSettings;
  #isRejected = false;
  readonly #requests: Requests;
  readonly peers: Peers;

  private constructor({ library, nc, jsm }: Client, settings: NatsSettings, clock: Clock) {
    this.#library = library;
    this.#nc = nc;
    this.#jsm = jsm;
    this.#settings = settings;
    this.#requests = new Requests({ nc, clock, timeoutMs: settings.timeoutMs });
    this.peers = new Peers({ nc, requests: this.#requests, settings });
  }

  static async connect(settings: NatsSettings, clock: Clock): Promise<Engine> {
    return new Engine(await connectClient(settings), settings, clock);
  }

  get connected(): boolean {
    return this.#requests.connected;
  }

  /** The server has rejected the credentials since the connection was lost. */
  get isRejected(): boolean {
    return this.#isRejected;
  }

  /** The largest message that the server accepts, with its headers. */
  get payloadMax(): number {
    return this.#nc.info?.max_payload ?? 1024 * 1024;
  }

  /** Reports changes of the connection until it is closed. */
  async watch({ onChange, onRejected }: ConnectionWatch): Promise<void> {
    for await (const status of this.#nc.status()) {
      if (status.type === 'error' && isRejection(status.error)) {
        if (!this.#isRejected) onRejected(REJECTED);
        this.#isRejected = true;
      }
      if (status.type !== 'disconnect' && status.type !== 'reconnect') continue;
      if (status.type === 'reconnect') {
        this.#requests.reconnected();
        this.#isRejected = false;
      } else this.#requests.disconnected();
      onChange(status.type === 'reconnect');
    }
  }

  /** The state of a stream. Undefined if the stream does not exist. */
  async info(stream = this.#settings.stream): Promise<StreamInfo | undefined> {
    return this.#requests.sendAgain(
      () => this.#jsm.streams.info(stream),
      (code) => code === STREAM_NOT_FOUND,
    );
  }

  /**
   * Opens a stream, and creates it if it does not exist. Each attempt reads it first: if several
   * nodes create a stream at once, some versions of the server answer only one of them.
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
    const found = await this.#requests.sendAgain(() =>
      info().catch((error: unknown) => create(error).catch(lookAgain)),
    );
    if (!found) throw unavailable('The NATS server has not created the stream.');
    return found;
  }

  async update(config: Partial<StreamConfig>, stream = this.#settings.stream): Promise<void> {
    await this.#requests.sendAgain(() => this.#jsm.streams.update(stream, config));
  }

  /**
   * Changes the description. Sent once, because a late repetition would undo the change of another
   * node.
   */
  async describe(description: string): Promise<void> {
    await this.#requests.send(() => this.#jsm.streams.update(this.#settings.stream, { description }));
  }

  /** Removes the messages of a subject below a sequence. */
  async purge(stream: string, below: { readonly filter: string; readonly seq: number }): Promise<void> {
    await this.#requests.send(() => this.#jsm.streams.purge(stream, below));
  }

  /** Removes a message and overwrites it in the files of the server. False if it does not exist. */
  async erase(sequence: number): Promise<boolean> {
    const { stream } = this.#settings;
    const isErased = await this.#requests.sendAgain(
      () => this.#jsm.streams.deleteMessage(stream, sequence, true),
      (code) => code === SEQUENCE_NOT_FOUND || code === DELETE_FAILED,
    );
    if (isErased) return true;
    // The server uses the same error code for a missing message and for a forbidden removal.
    if (!(await this.get({ seq: sequence }))) return false;
    throw unavailable(`The stream ${stream} does not allow that messages are deleted (deny_delete).`);
  }

  /** Reads one message. Undefined if the message does not exist. */
  async get(query: GetQuery, stream = this.#settings.stream): Promise<RawMessage | undefined> {
    const { replicas } = this.#settings;
    // A replica that lags behind also answers a direct get. It would miss the newest messages.
    const found = await this.#requests.sendAgain(() =>
      replicas === 1 ? this.#jsm.direct.getMessage(stream, query) : this.#jsm.streams.getMessage(stream, query),
    );
    return found ? rawOf(found) : undefined;
  }

  /**
   * True if one request can read several messages: nats-server 2.11 or later, and a stream without
   * replicas. A replica that lags behind would end a batch early.
   */
  get canBatch(): boolean {
    const [major = 0, minor = 0] = (this.#nc.info?.version ?? '').split('.').map(Number);
    return this.#settings.replicas === 1 && (major > 2 || (major === 2 && minor >= 11));
  }

  /**
   * The next messages of a subject, in order. A batch has at most `batch` messages and about
   * `max_bytes` bytes, but at least one message if one exists.
   */
  async getBatch(query: BatchQuery): Promise<readonly RawMessage[]> {
    const read = async (): Promise<readonly RawMessage[]> => {
      const messages: RawMessage[] = [];
      for await (const found of await this.#jsm.direct.getBatch(this.#settings.stream, { ...query })) {
        messages.push(rawOf(found));
      }
      return messages;
    };
    return (await this.#requests.sendAgain(read, (code) => code === MESSAGE_NOT_FOUND)) ?? [];
  }

  /**
   * Publishes all parts without waiting in between. The server stores a part only directly after
   * the one before. The first part states the stream's last sequence. Each other part also states
   * the id of the part before, because another node's message may have the expected sequence. So
   * the server stores the last part only if it has stored all other parts.
   */
  async publish({ commit, parts, lastSequence }: NewCommit, prefix: string): Promise<PublishResult> {
    const answers = parts.map(({ topic, header, body }, at) => {
      const headers = this.#library.headers();
      headers.set(PART_HEADER, header);
      headers.set('Nats-Expected-Last-Sequence', String(lastSequence - parts.length + at));
      if (at > 0) headers.set('Nats-Expected-Last-Msg-Id', `${commit}.${at}`);
      const subject = subjectOf(prefix, topic);
      if (at === parts.length - 1) {
        return this.#requests.send(() =>
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
    throw unavailable(`The NATS server rejects a message: ${error.description}.`);
  }

  /**
   * Publishes a message. The server stores it only if the last message of its subject has this
   * sequence, or if the sequence is 0 and the subject is empty.
   */
  async publishAfter(lastOfSubject: number, { stream, subject, body = '' }: NewMessage): Promise<Stored> {
    const headers = this.#library.headers();
    headers.set('Nats-Expected-Stream', stream);
    headers.set('Nats-Expected-Last-Subject-Sequence', String(lastOfSubject));
    const options = { headers, timeout: this.#settings.timeoutMs };
    const answer = await this.#requests.sendUntilReceived(() => this.#nc.request(subject, body, options));
    if (!answer) throw unavailable('The NATS server does not answer.');
    return answer.json<Stored>();
  }

  /** Publishes a message that belongs to no commit. Returns its sequence. */
  async publishMarker(subject: string, body = ''): Promise<number> {
    const answer = await this.#requests.send(() =>
      this.#nc.request(subject, body, { timeout: this.#settings.timeoutMs }),
    );
    const { seq, error } = answer?.json<Stored>() ?? { seq: 0 };
    if (!answer || error) throw unavailable(`The NATS server rejects a message: ${error?.description ?? 'no answer'}.`);
    return seq;
  }

  subscribe(onMessage: (message: Msg) => void): Subscription {
    return this.#nc.subscribe(this.#library.createInbox(this.#settings.connection.inboxPrefix), {
      callback: (error, message) => {
        if (!error) onMessage(message);
      },
    });
  }

  /** Answers a flow control request, so that the server continues. */
  respond(subject: string): void {
    if (this.connected) this.#nc.publish(subject);
  }

  /** Creates a push consumer. Sent once, because a second consumer would push as well. */
  async addConsumer(config: Partial<ConsumerConfig>): Promise<ConsumerInfo> {
    const info = await this.#requests.soon(
      this.#requests.send(() => this.#jsm.consumers.add(this.#settings.stream, config)),
    );
    if (!info) throw unavailable('The NATS server has not created a consumer.');
    return info;
  }

  /** Reads the state of the stream through a consumer. The consumer is deleted, or expires. */
  async sample(config: Partial<ConsumerConfig>): Promise<ConsumerInfo> {
    const options = { ...config, ack_policy: 'none', mem_storage: true, inactive_threshold: SAMPLE_NANOS } as const;
    const info = await this.#requests.sendAgain(() => this.#jsm.consumers.add(this.#settings.stream, options));
    if (!info) throw unavailable('The NATS server has not created a consumer.');
    void this.deleteConsumer(info.name);
    return info;
  }

  /** Creates a consumer that exists until it is deleted or the server loses its memory. */
  async keepConsumer(name: string, config: Partial<ConsumerConfig>): Promise<void> {
    const options = { ...config, durable_name: name };
    await this.#requests.sendAgain(() => this.#jsm.consumers.add(this.#settings.stream, options));
  }

  /** Undefined if the consumer does not exist. */
  async consumerInfo(name: string): Promise<ConsumerInfo | undefined> {
    return this.#requests.sendAgain(
      () => this.#jsm.consumers.info(this.#settings.stream, name),
      (code) => code === CONSUMER_NOT_FOUND,
    );
  }

  /** Receives the next message of a consumer. False if it has none. */
  async pull(name: string): Promise<boolean> {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#settings.stream}.${name}`;
    // The message keeps its subject, so the shared inbox subscription does not receive it.
    const options = { timeout: this.#settings.timeoutMs, noMux: true };
    const message = await this.#requests.sendUntilReceived(() => this.#nc.request(subject, PULL_ONE, options));
    return message !== undefined && !message.headers?.code;
  }

  /** Never rejects: a consumer that cannot be deleted expires. */
  async deleteConsumer(name: string): Promise<void> {
    if (!this.connected) return;
    await this.#requests.soon(this.#jsm.consumers.delete(this.#settings.stream, name)).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#requests.disconnected();
    await this.#nc.close();
  }
}

function rawOf({ seq: sequence, time, subject, header: headers, data }: StoredMsg): RawMessage {
  return { sequence, timeMs: time.getTime(), subject, headers, data };
}
