import type { Removed } from '../../core/removal.js';
import type { Epoch } from '../../core/store.js';
import { unavailable } from '../shared/unavailable.js';
import type { Engine } from './engine.js';
import type { Follower } from './follower.js';
import { decodePart, endPosition, lastSequenceOf, type Part, type RawMessage, subjectOf } from './layout.js';
import type { LogStart } from './log-start.js';
import type { LogIdentity } from './stream.js';
import { VoidCommits } from './void-commits.js';
import { WholeCommits } from './whole-commits.js';

export interface RemovalOptions {
  readonly engine: Engine;
  readonly start: LogStart;
  readonly follower: Follower;
  /** The epoch of the log, and its head. */
  readonly epoch: Epoch;
  readonly head: number;
}

/**
 * Messages that are removed at the same time, and their bytes. The server overwrites all bytes of a
 * message before it stores the next one, so an append waits for one such part.
 */
const PART = 32;
const PART_BYTES = 256 * 1024;

/** The messages to remove in one step. */
interface Step {
  /** The parts of the topic that are visible. */
  readonly parts: readonly Part[];
  /** The sequences of parts of unfinished commits. */
  readonly voids: ReadonlySet<number>;
  /** The sequence at which the next step begins. Undefined after the last one. */
  readonly next: number | undefined;
}

/**
 * Removes the messages of a topic. The server overwrites each of them, so nothing is left in its
 * files. Readers and followers of the log recognise the missing messages: see `VoidCommits`,
 * `LogStart` and `Assembler.removed`.
 */
export class Removal {
  readonly #options: RemovalOptions;
  readonly #voids: VoidCommits;

  constructor(options: RemovalOptions) {
    this.#options = options;
    this.#voids = new VoidCommits(options.engine);
  }

  /** @throws NotificationsError `store_unavailable` if the log gets another epoch meanwhile */
  async run(topic: string, upTo: number): Promise<Removed> {
    const { start } = this.#options;
    let count = 0;
    for (let next: number | undefined = 1; next !== undefined;) {
      const step: Step = await this.#step(subjectOf(this.#log.prefix, topic), next, upTo);
      const sequences = new Set([...step.voids, ...step.parts.map(({ sequence }) => sequence)]);
      const erase = async (): Promise<number> => {
        await start.mark(this.#log, sequences);
        return this.#erase(step);
      };
      if (sequences.size > 0) count += await start.alone(erase);
      next = step.next;
    }
    return { count, upTo };
  }

  get #log(): LogIdentity {
    const { follower, epoch } = this.#options;
    if (follower.log.epoch.id === epoch.id) return follower.log;
    throw unavailable('The log of the NATS store has changed during the removal; repeat the call.');
  }

  async #step(subject: string, from: number, end: number): Promise<Step> {
    const messages = await this.#messages(subject, from);
    const commits = new WholeCommits(this.#options.engine);
    const parts: Part[] = [];
    const voids = new Set<number>();
    for (const message of messages) {
      const part = decodePart(message);
      if (!part) continue;
      if (endPosition(lastSequenceOf(part)) > this.#options.head) return { parts, voids, next: undefined };
      const isWhole = await commits.has(part);
      if (isWhole && (part.entries.at(-1)?.position ?? 0) > end) return { parts, voids, next: undefined };
      if (isWhole) parts.push(part);
      const unfinished = await (isWhole ? this.#voids.before(part) : this.#voids.partsOf(part));
      for (const sequence of unfinished) voids.add(sequence);
    }
    const last = messages.at(-1);
    return { parts, voids, next: last && last.sequence + 1 };
  }

  /**
   * Returns how many entries were removed. Another node may have removed some of them. Unfinished
   * commits are removed first, in their order. Otherwise a removal that ends early could leave one
   * that looks whole, and a repeated call would not find it.
   */
  async #erase({ parts, voids }: Step): Promise<number> {
    const { engine } = this.#options;
    for (const sequence of [...voids].sort((a, b) => a - b)) await engine.erase(sequence);
    const counts = await Promise.all(
      parts.map(async ({ sequence, entries }) => ((await engine.erase(sequence)) ? entries.length : 0)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #messages(subject: string, from: number): Promise<readonly RawMessage[]> {
    const { engine } = this.#options;
    const query = { seq: from, next_by_subj: subject };
    if (engine.canBatch) return engine.getBatch({ ...query, batch: PART, max_bytes: PART_BYTES });
    const messages: RawMessage[] = [];
    let bytes = 0;
    for (let message = await engine.get(query); message;) {
      messages.push(message);
      bytes += message.data.length;
      if (messages.length === PART || bytes >= PART_BYTES) break;
      message = await engine.get({ ...query, seq: message.sequence + 1 });
    }
    return messages;
  }
}
