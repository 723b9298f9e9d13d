import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/notification.js';
import { isRecord } from '../../core/records.js';
import type { Appended, AppendResult } from '../../core/store.js';
import type { DraftArrays } from '../shared/group-commit.js';
import { unavailable } from '../shared/unavailable.js';
import { newCommit } from './commit.js';
import type { Engine } from './engine.js';
import type { Follower } from './follower.js';
import { SEQUENCE_MAX } from './layout.js';

export interface WriterOptions {
  readonly engine: Engine;
  readonly follower: Follower;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** How long a node waits for the rest of another node's commit. Then that node counts as dead. */
const COMMIT_OPEN_MS = 500;
/**
 * How long a node waits for the message that another node has stored first. The consumer delivers
 * it at once.
 */
const RACE_MS = 1_000;

/** Writes commits, each directly after the last message that this node knows. */
export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Writes all arrays in one commit. If another node was first, the commit is made again after that
   * node's messages, without ids that are now known. If no answer arrives, the node first checks
   * whether the log contains the commit.
   */
  async write(arrays: DraftArrays): Promise<readonly AppendResult[]> {
    const { engine, follower, clock, timeoutMs } = this.#options;
    const endsMs = clock.monotonic() + timeoutMs;
    const leftMs = (): number => Math.max(1, endsMs - clock.monotonic());
    const tried = new Set<string>();
    for (;;) {
      await follower.ready(leftMs());
      if (follower.commitOpen) await this.#otherCommit(leftMs());
      const { epoch, prefix } = follower.log;
      follower.ids.forget(clock.monotonic());
      const drafts = this.#unknown(arrays);
      if (drafts.length === 0) return this.#results(arrays, tried);
      const after = follower.sequence;
      const commit = newCommit(drafts, after, engine.payloadMax);
      if (commit.lastSequence > SEQUENCE_MAX)
        throw unavailable('The NATS stream has reached its last sequence; delete the stream to start again.');
      await follower.records.make(commit.parts.filter(isRecord).length, prefix);
      tried.add(commit.commit);
      const result = await engine.publish(commit, prefix).catch((error: unknown) => {
        follower.recheck();
        if (clock.monotonic() >= endsMs) throw error;
        return undefined;
      });
      if (result?.stored) {
        const ids = drafts.map(({ id }) => id);
        if (follower.log.epoch === epoch) follower.committed(commit, ids);
        return this.#results(arrays, tried);
      }
      if (result) await follower.passes(after, Math.min(RACE_MS, leftMs())).catch(() => follower.recheck());
    }
  }

  /** The first draft of each id that is not in the log. */
  #unknown(arrays: DraftArrays): readonly Draft[] {
    const drafts = new Map<string, Draft>();
    for (const draft of arrays.flat()) {
      if (!drafts.has(draft.id) && !this.#options.follower.ids.get(draft.id)) drafts.set(draft.id, draft);
    }
    return [...drafts.values()];
  }

  /**
   * The results of arrays whose ids are all in the log. A draft is new if one of these attempts
   * wrote its id, and no earlier draft has the same id.
   */
  #results(arrays: DraftArrays, tried: ReadonlySet<string>): readonly AppendResult[] {
    const { ids, log } = this.#options.follower;
    const answered = new Set<string>();
    return arrays.map((drafts) => ({
      epoch: log.epoch,
      appended: drafts.map(({ id }): Appended => {
        const known = ids.get(id);
        if (!known) throw unavailable('The NATS store changed to a new log during the append.');
        const duplicate = answered.has(id) || !tried.has(known.commit);
        answered.add(id);
        return { id, position: known.position, duplicate };
      }),
    }));
  }

  /** A message after a part voids the commit. So the other node gets time to write the rest. */
  async #otherCommit(leftMs: number): Promise<void> {
    const { follower } = this.#options;
    const { sequence } = follower;
    await follower.passes(sequence, Math.min(COMMIT_OPEN_MS, leftMs)).catch(() => undefined);
    if (follower.commitOpen && follower.sequence > sequence) await this.#otherCommit(leftMs);
  }
}
