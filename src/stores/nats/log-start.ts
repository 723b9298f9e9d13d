import type { Engine } from './engine.js';
import { decodePart, endPosition, startSubject } from './layout.js';
import type { LogIdentity } from './stream.js';

/** The content of a start mark. */
interface StartMark {
  /** The highest position that retention had removed. */
  readonly trimmed: number;
  /** The first message that the removal leaves. 0: the mark itself. */
  readonly first: number;
}

/**
 * Finds the highest position that retention has removed. The oldest message states the highest
 * position before it. That is the answer, unless `remove` has removed the messages before it. So a
 * removal at the start of the stream first publishes a *start mark*, a message that belongs to no
 * commit. The mark holds until retention removes the first message that the removal left. Retention
 * removes the mark after that message.
 */
export class LogStart {
  readonly #engine: Engine;
  /**
   * The oldest message of the last call. The result for an oldest message never changes, so the
   * last result is cached. On a full log each append changes the oldest message, so the next read
   * also reads the mark.
   */
  #known = { prefix: '', sequence: 0, trimmed: 0 };
  /** Settles when the last step has ended. */
  #steps: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The highest position that retention has removed, 0 if none. */
  async trimmed({ prefix }: LogIdentity, lastSequence: number): Promise<number> {
    const first = await this.#engine.get({ seq: 1, next_by_subj: '>' });
    if (!first) return endPosition(lastSequence);
    if (first.sequence === 1) return 0;
    if (this.#known.prefix === prefix && this.#known.sequence === first.sequence) return this.#known.trimmed;
    // The mark is read after the oldest message, because it is stored before a removal.
    const mark = await this.#mark(prefix);
    const isMarked = mark && first.sequence <= mark.first;
    const trimmed = isMarked ? mark.trimmed : (decodePart(first)?.floor ?? endPosition(first.sequence - 1));
    this.#known = { prefix, sequence: first.sequence, trimmed };
    return trimmed;
  }

  /**
   * Runs a step of a removal after the steps of other removals. Otherwise two steps could remove
   * messages in turn, and each would mark a message that the other one removes.
   */
  alone<T>(step: () => Promise<T>): Promise<T> {
    const running = this.#steps.then(step);
    this.#steps = running.catch(() => undefined);
    return running;
  }

  /**
   * Publishes a mark if the oldest message is about to be removed. Another node may remove the
   * marked message at the same time. Then `trimmed` includes removed entries, and clients before
   * them get a gap.
   *
   * @param sequences the messages to remove
   */
  async mark(log: LogIdentity, sequences: ReadonlySet<number>): Promise<void> {
    const oldest = await this.#engine.get({ seq: 1, next_by_subj: '>' });
    if (!oldest || !sequences.has(oldest.sequence)) return;
    const trimmed = await this.trimmed(log, oldest.sequence);
    const first = (await this.#firstOther(oldest.sequence, sequences)) ?? 0;
    const mark: StartMark = { trimmed, first };
    await this.#engine.publishMarker(startSubject(log.prefix), JSON.stringify(mark));
  }

  /** Finds the first message at or after `from` whose sequence is not in `sequences`. */
  async #firstOther(from: number, sequences: ReadonlySet<number>): Promise<number | undefined> {
    for (let next = from; ;) {
      while (sequences.has(next)) next++;
      const message = await this.#engine.get({ seq: next, next_by_subj: '>' });
      if (!message || !sequences.has(message.sequence)) return message?.sequence;
      next = message.sequence;
    }
  }

  async #mark(prefix: string): Promise<StartMark | undefined> {
    const message = await this.#engine.get({ last_by_subj: startSubject(prefix) });
    if (!message) return undefined;
    const { trimmed, first } = JSON.parse(new TextDecoder().decode(message.data)) as StartMark;
    return { trimmed, first: first || message.sequence };
  }
}
