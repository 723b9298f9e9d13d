import { DraftWriter, type PublishItem } from '../../core/draft.js';
import { NotificationsError } from '../../core/errors.js';
import { checkId } from '../../core/names.js';
import { type Draft, utf8Length } from '../../core/notification.js';
import { copyId } from '../../wire/idempotency.js';
import { inItem } from '../../wire/publish.js';
import type { PublishContext } from '../context.js';
import { PublishManyError, type PublishManyProgress } from './publish-many-error.js';
import { validItems } from './schemas.js';
import { TopicSource } from './topic-source.js';

/**
 * The bytes of JSON after which a chunk ends. The publisher and the store hold copies of a chunk.
 * Larger chunks use more memory and save little time.
 */
const CHUNK_BYTES = 1024 * 1024;

/** Options of `publishMany`. */
export interface PublishManyOptions {
  /**
   * Called after each chunk. The next chunk waits for the returned promise, so the progress can be
   * stored here.
   *
   * @default none
   */
  readonly onProgress?: ((progress: PublishManyProgress) => void | Promise<void>) | undefined;
  /**
   * Stops the publish. A chunk that the store is appending is still completed.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined;
}

/** A publish to many topics. */
export interface ManyItems extends PublishManyOptions {
  readonly topics: Iterable<string> | AsyncIterable<string>;
  readonly notification: Omit<PublishItem, 'topic'>;
}

type ManyContext = Pick<PublishContext, 'store' | 'settings' | 'clock' | 'schemas' | 'tracing'>;

/** A chunk of copies, in the order of their topics. */
interface Chunk {
  readonly drafts: readonly Draft[];
  /** The source has no more topics. */
  readonly isLast: boolean;
}

/**
 * Publishes one notification to many topics, in chunks. Each chunk is one append, and the next
 * chunk is read when the store has appended it. So the memory does not depend on the number of
 * topics, and a slow store slows the source down.
 */
export class ManyPublisher {
  readonly #context: ManyContext;

  constructor(context: ManyContext) {
    this.#context = context;
  }

  /** @throws PublishManyError */
  publish(many: ManyItems): Promise<PublishManyProgress> {
    const { notification } = many;
    // The copies share one trace.
    return this.#context.tracing.run([{ ...notification, topic: '' }], ([traced = notification]) =>
      this.#publish({ ...many, notification: traced }),
    );
  }

  async #publish({ topics, notification, signal, onProgress }: ManyItems): Promise<PublishManyProgress> {
    let progress = { id: notification.id ?? globalThis.crypto.randomUUID(), topics: 0, duplicates: 0 };
    let source: TopicSource | undefined;
    try {
      checkId(progress.id);
      source = sourceOf(topics, signal);
      const writer = await this.#writer(notification);
      for (let isLast = false; !isLast;) {
        const chunk = await this.#next(source, writer, progress);
        ({ isLast } = chunk);
        if (chunk.drafts.length === 0) break;
        progress = await this.#append(chunk.drafts, progress);
        await onProgress?.(progress);
        if (!isLast) await this.#turn();
      }
      return progress;
    } catch (error) {
      release(source);
      throw new PublishManyError(error, progress);
    }
  }

  async #writer(notification: ManyItems['notification']): Promise<DraftWriter> {
    const { settings } = this.#context;
    const [valid] = await validItems([{ ...notification, topic: '' }], this.#context);
    return new DraftWriter(valid ?? notification, settings.publish);
  }

  async #next(source: TopicSource, writer: DraftWriter, done: PublishManyProgress): Promise<Chunk> {
    const { settings, clock } = this.#context;
    const drafts: Draft[] = [];
    for (let bytes = 0; bytes < CHUNK_BYTES && drafts.length < settings.publish.notificationsMax;) {
      const next = source.next();
      const topic = next instanceof Promise ? await next : next;
      if (topic === undefined) return { drafts, isLast: true };
      const index = done.topics + drafts.length;
      const names = { topic, id: copyId(done.id, topic) };
      const draft = inItem(Infinity, index, () => writer.write(names, new Date(clock.now())));
      drafts.push(draft);
      bytes += utf8Length(draft.json);
    }
    return { drafts, isLast: false };
  }

  async #append(drafts: readonly Draft[], before: PublishManyProgress): Promise<PublishManyProgress> {
    const { appended } = await this.#context.store.append(drafts);
    const duplicates = appended.filter(({ duplicate }) => duplicate).length;
    return { ...before, topics: before.topics + drafts.length, duplicates: before.duplicates + duplicates };
  }

  /** The memory store does not yield to the event loop, so this pause lets other requests run. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#context.clock.setImmediate(resolve);
    });
  }
}

/** @throws NotificationsError `topic_invalid` */
function sourceOf(topics: ManyItems['topics'], signal: AbortSignal | undefined): TopicSource {
  // A string is iterable too: by its characters.
  const isObject = typeof topics === 'object' && (topics as unknown) !== null;
  const isIterable = isObject && (Symbol.iterator in topics || Symbol.asyncIterator in topics);
  if (!isIterable)
    throw new NotificationsError('topic_invalid', 'topics must be an array or another iterable of topics');
  return new TopicSource(topics, signal);
}

/** Releases the source without waiting: after an abort, its last read may still be pending. */
function release(source: TopicSource | undefined): void {
  source?.close().catch(() => undefined);
}
