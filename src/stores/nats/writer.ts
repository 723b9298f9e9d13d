import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/notification.js';
import { isRecord } from '../../core/records.js';
import type { Appended, AppendResult } from '../../core/store.js';
import type { DraftArrays } from '../shared/group-commit.js';
import { unavailable } from '../shared/unavailable.js';
import { Attempts } from './attempts.js';
import { newCommit } from './commit.js';
import type { Engine } from './engine.js';
import type { Follower } from './follower.js';
import type { Forwarding } from './forwarding.js';
import { commitId, nodeOf, SEQUENCE_MAX } from './layout.js';
import type { Lease } from './lease.js';

export interface WriterOptions {
  readonly engine: Engine;
  readonly follower: Follower;
  readonly lease: Lease;
  readonly forwarding: Forwarding;
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
  #commits = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Writes all arrays in one commit, here or on the node that holds the lease. If another node was
   * first, that node gets the lease. If that node does not write the arrays, this node retries
   * without the ids now known. If no answer arrives, the node first checks whether the log contains
   * the commit.
   */
  async write(arrays: DraftArrays): Promise<readonly AppendResult[]> {
    const { engine, follower, forwarding, clock, timeoutMs } = this.#options;
    const endsMs = clock.monotonic() + timeoutMs;
    const leftMs = (): number => Math.max(1, endsMs - clock.monotonic());
    const attempts = new Attempts();
    for (;;) {
      await follower.ready(leftMs());
      if (await forwarding.send(arrays, attempts, leftMs())) return this.#results(arrays, attempts);
      if (follower.commitOpen) await this.#otherCommit(leftMs());
      const { epoch, prefix } = follower.log;
      follower.ids.forget(clock.monotonic());
      forwarding.assertRecent(arrays);
      const drafts = this.#unknown(arrays);
      if (drafts.length === 0) return this.#results(arrays, attempts);
      const after = follower.sequence;
      const id = commitId(engine.peers.node, ++this.#commits);
      const commit = newCommit(drafts, { commit: id, after, payloadMax: engine.payloadMax });
      if (commit.lastSequence > SEQUENCE_MAX)
        throw unavailable('The NATS stream has reached its last sequence; delete the stream to start again.');
      await follower.records.make(commit.parts.filter(isRecord).length, prefix);
      attempts.sent(id);
      const result = await engine.publish(commit, prefix).catch((error: unknown) => {
        follower.recheck();
        if (clock.monotonic() >= endsMs) throw error;
        return undefined;
      });
      if (result?.stored) {
        const ids = drafts.map(({ id }) => id);
        if (follower.log.epoch === epoch) follower.committed(commit, ids);
        return this.#results(arrays, attempts);
      }
      if (result) await this.#lost(after, leftMs());
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
   * appended its id, and no earlier draft has the same id.
   */
  #results(arrays: DraftArrays, attempts: Attempts): readonly AppendResult[] {
    const { ids, log } = this.#options.follower;
    const answered = new Set<string>();
    return arrays.map((drafts) => ({
      epoch: log.epoch,
      appended: drafts.map(({ id }): Appended => {
        const known = ids.get(id);
        if (!known) throw unavailable('The NATS store changed to a new log during the append.');
        const duplicate = answered.has(id) || !attempts.haveAppended(known);
        answered.add(id);
        return { id, position: known.position, duplicate };
      }),
    }));
  }

  /** Another node was first. Waits for its message, and gives that node the lease. */
  async #lost(after: number, leftMs: number): Promise<void> {
    const { engine, follower, lease } = this.#options;
    await follower.passes(after, Math.min(RACE_MS, leftMs)).catch(() => follower.recheck());
    const winner = nodeOf(follower.lastCommit);
    if (winner && winner !== engine.peers.node) lease.grant(winner);
  }

  /** A message after a part voids the commit. So the other node gets time to write the rest. */
  async #otherCommit(leftMs: number): Promise<void> {
    const { follower } = this.#options;
    const { sequence } = follower;
    await follower.passes(sequence, Math.min(COMMIT_OPEN_MS, leftMs)).catch(() => undefined);
    if (follower.commitOpen && follower.sequence > sequence) await this.#otherCommit(leftMs);
  }
}
