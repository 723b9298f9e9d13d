import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/notification.js';
import { isRecord } from '../../core/records.js';
import type { Appended, AppendResult } from '../../core/store.js';
import type { DraftArrays } from '../shared/append-queue.js';
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

/** How long another node's commit is waited for that has begun; then its node is taken for dead, and written over. */
const COMMIT_OPEN_MS = 500;
/** How long the message is waited for that another node got in; the consumer brings it, so it is there in no time. */
const RACE_MS = 1_000;

/** Writes commits, each right after the last message that this node knows. */
export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * All arrays in one commit. One that is refused, as another node was first, is laid out anew after what that one wrote:
   * ids that are in there are now known. One whose fate is unknown is looked for in the log before it is written again.
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
        throw unavailable('The NATS stream is at its end: delete it to begin anew.');
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

  /** The first draft of every id that is not in the log. */
  #unknown(arrays: DraftArrays): readonly Draft[] {
    const drafts = new Map<string, Draft>();
    for (const draft of arrays.flat()) {
      if (!drafts.has(draft.id) && !this.#options.follower.ids.get(draft.id)) drafts.set(draft.id, draft);
    }
    return [...drafts.values()];
  }

  /** Of arrays whose ids are all in the log. New is what one of these attempts wrote, where it is asked for first. */
  #results(arrays: DraftArrays, tried: ReadonlySet<string>): readonly AppendResult[] {
    const { ids, log } = this.#options.follower;
    const answered = new Set<string>();
    return arrays.map((drafts) => ({
      epoch: log.epoch,
      appended: drafts.map(({ id }): Appended => {
        const known = ids.get(id);
        if (!known) throw unavailable('The NATS store began a new log while it wrote.');
        const duplicate = answered.has(id) || !tried.has(known.commit);
        answered.add(id);
        return { id, position: known.position, duplicate };
      }),
    }));
  }

  /** Whatever is written after a part of a commit voids it, so its node is given the time to bring in the others. */
  async #otherCommit(leftMs: number): Promise<void> {
    const { follower } = this.#options;
    const { sequence } = follower;
    await follower.passes(sequence, Math.min(COMMIT_OPEN_MS, leftMs)).catch(() => undefined);
    if (follower.commitOpen && follower.sequence > sequence) await this.#otherCommit(leftMs);
  }
}
