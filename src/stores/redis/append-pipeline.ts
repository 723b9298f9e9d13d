import { NotificationsError } from '../../core/errors.js';
import type { Draft } from '../../core/notification.js';
import type { Appended, AppendResult, StoreRuntime } from '../../core/store.js';
import { type AppendCall, AppendQueue, charsOf } from '../shared/append-queue.js';
import { randomHex } from '../shared/epoch.js';
import type { Connection } from './connection.js';
import { isOutOfOrder, notAcknowledged, unavailable } from './errors.js';
import type { ListedPatterns } from './listed-patterns.js';
import type { LogState } from './log-state.js';
import type { RedisStoreSettings } from './options.js';
import type { Script } from './script.js';

/** Limits of a batch. The engine serves no other client while it runs the script. */
const BATCH_DRAFTS = 512;
const BATCH_CHARS = 1024 * 1024;

/** A call of the script that has no reply yet. */
interface SentAppend {
  readonly token: string;
  /** Resolves when the engine has replied, or when no reply can arrive any more. */
  readonly settled: Promise<void>;
}

export interface AppendPipelineOptions {
  readonly settings: RedisStoreSettings;
  readonly runtime: StoreRuntime;
  readonly connection: Connection;
  readonly state: LogState;
  readonly keys: readonly string[];
  readonly script: Script;
  readonly patterns: ListedPatterns;
}

/**
 * Appends of one turn of the event loop are one call of the script. With `wait`, one call is in
 * flight at a time. Later appends share the next call and its WAIT.
 *
 * The log has the appends in the order of the calls. A call names the previous one that is in
 * flight. If the previous call has not arrived, the script rejects this one, and the queue sends
 * it again.
 */
export class AppendPipeline {
  readonly #options: AppendPipelineOptions;
  readonly #queue: AppendQueue;
  /** The prefix of the tokens that identify this node's appends. */
  readonly #node = randomHex(6);
  #appends = 0;
  #scheduled = false;
  readonly #batches = new Set<Promise<void>>();
  #lastSent: SentAppend | undefined;
  /** New batches wait until those in flight have settled. */
  #waiting = false;

  constructor(options: AppendPipelineOptions) {
    const { pendingMax, pendingCharsMax } = options.settings;
    this.#options = options;
    this.#queue = new AppendQueue({
      engine: 'redis',
      clock: options.runtime.clock,
      limits: {
        batchDraftsMax: BATCH_DRAFTS,
        batchCharsMax: BATCH_CHARS,
        pendingDraftsMax: pendingMax,
        pendingCharsMax,
      },
    });
    options.script.onUnknown = () => {
      this.#holdBack();
    };
  }

  append(drafts: readonly Draft[]): Promise<AppendResult> {
    const { settings, connection } = this.#options;
    const { arrayMax, arrayCharsMax } = settings;
    connection.assertOpen();
    if (drafts.length > arrayMax)
      throw tooMany(`${drafts.length} notifications in one array`, `${arrayMax} (arrayMax)`);
    if (drafts.length > 1 && charsOf(drafts) > arrayCharsMax) {
      throw tooMany(`${charsOf(drafts)} characters of JSON in one array`, `${arrayCharsMax} (arrayCharsMax)`);
    }
    const result = this.#queue.add(drafts);
    this.#schedule();
    return result;
  }

  /** Sends the queue, and resolves when every call made so far has settled. */
  async idle(): Promise<void> {
    for (;;) {
      this.#flush();
      if (this.#batches.size === 0) return;
      await Promise.all(this.#batches);
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting || this.#queue.isEmpty) return;
    this.#scheduled = true;
    this.#options.runtime.clock.setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { settings, runtime } = this.#options;
    const bearable = runtime.clock.monotonic() - settings.timeoutMs;
    while (!this.#queue.isEmpty && !this.#waiting) {
      const batch = this.#queue.takeBatch().filter((call) => {
        if (call.atMs > bearable) return true;
        this.#queue.release([call]);
        call.reject(unavailable(`Redis has not finished earlier appends within ${settings.timeoutMs} ms (timeoutMs).`));
        return false;
      });
      if (batch.length > 0) this.#start(batch);
    }
  }

  #start(batch: readonly AppendCall[]): void {
    this.#waiting = this.#options.settings.wait !== undefined;
    const sending = this.#send(batch).finally(() => {
      this.#batches.delete(sending);
      if (this.#batches.size === 0) this.#waiting = false;
      this.#schedule();
    });
    this.#batches.add(sending);
  }

  async #send(batch: readonly AppendCall[]): Promise<void> {
    const { connection } = this.#options;
    try {
      const sent = this.#run(batch.flatMap(({ drafts }) => drafts));
      // A call that has timed out stays in the memory of the client library until the reply.
      const release = (): void => {
        this.#queue.release(batch);
      };
      sent.then(release, release);
      const reply = await connection.settled(sent, 'append');
      this.#resolve(batch, reply);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #resolve(batch: readonly AppendCall[], reply: unknown): void {
    const { epoch, rest } = this.#options.state.learn(reply);
    const positions = (rest[0] as unknown[]).map(Number);
    let at = 0;
    for (const { drafts, resolve } of batch) {
      const appended = drafts.map(({ id }): Appended => {
        const position = positions[at++] ?? 0;
        return { id, position: Math.abs(position), duplicate: position < 0 };
      });
      resolve({ epoch, appended });
    }
  }

  async #run(drafts: readonly Draft[]): Promise<unknown> {
    const { connection, script, settings } = this.#options;
    const { wait } = settings;
    const client = connection.appends;
    const token = `${this.#node}${(this.#appends++).toString(36)}`;
    if (wait) {
      const { reply, acknowledged } = await this.#listed(drafts, (keys) =>
        script.runAndWait(client, keys, this.#args(drafts, token), wait),
      );
      if (acknowledged >= wait.replicas) return reply;
      throw notAcknowledged(wait, acknowledged);
    }
    const previous = this.#lastSent;
    const reply = this.#listed(drafts, (keys) =>
      script.run(client, keys, this.#args(drafts, token, previous?.token)),
    ).catch(async (error: unknown) => {
      if (!previous || !isOutOfOrder(error)) throw error;
      this.#holdBack();
      await previous.settled;
      return this.#listed(drafts, (keys) => script.run(connection.appends, keys, this.#args(drafts, token)));
    });
    const end = (): void => {
      if (this.#lastSent === sent) this.#lastSent = undefined;
    };
    const sent: SentAppend = { token, settled: reply.then(end, end) };
    this.#lastSent = sent;
    return reply;
  }

  #listed<T>(drafts: readonly Draft[], call: (keys: readonly string[]) => Promise<T>): Promise<T> {
    const { keys, patterns } = this.#options;
    const topics = [...new Set(drafts.map(({ topic }) => topic))];
    return patterns.run(topics, (indexes) => call([...keys, ...indexes]));
  }

  #args(drafts: readonly Draft[], token: string, previous = ''): (string | number)[] {
    const { wait, retainCount, retainMs, retainBytes, idempotencyMs, idempotencyCount } = this.#options.settings;
    const args: (string | number)[] = [
      ...[...this.#options.state.args(), token, wait ? 1 : 0],
      ...[retainCount, retainMs, retainBytes, idempotencyMs, idempotencyCount],
      ...[this.#node, previous],
    ];
    for (const { id, topic, json } of drafts) args.push(id, topic, json);
    return args;
  }

  /** Batches in flight are sent again in their order, and a new batch would overtake them. */
  #holdBack(): void {
    // `#waiting` ends when the last batch settles. A reply may arrive after its batch timed out.
    this.#waiting ||= this.#batches.size > 0;
  }
}

function tooMany(what: string, limit: string): NotificationsError {
  return new NotificationsError('notifications_too_many', `${what}, the Redis store takes at most ${limit}`);
}
