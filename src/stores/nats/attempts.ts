import type { CommittedId } from './follower.js';
import { nodeOf } from './layout.js';

/** A batch whose forward has no answer. The other node may have appended it. */
export interface Doubt {
  readonly node: string;
  /** The position up to which the log did not contain the batch. */
  readonly after: number;
}

/**
 * The attempts to append one batch: commits of this node, and forwards to other nodes. An id in the
 * log is new if one of the attempts has appended it.
 */
export class Attempts {
  readonly #commits = new Set<string>();
  readonly #appended = new Set<string>();
  readonly #doubts: Doubt[] = [];

  /** This node has sent a commit. */
  sent(commit: string): void {
    this.#commits.add(commit);
  }

  /** Another node has appended an id for this node. */
  appended(id: string): void {
    this.#appended.add(id);
  }

  /**
   * A forward has no answer. If the other node commits one of the ids later, this node treats the
   * id as its own append. That is wrong only if the other node appends the same id for another
   * caller meanwhile.
   */
  doubted(doubt: Doubt): void {
    this.#doubts.push(doubt);
  }

  haveAppended({ id, position, commit }: CommittedId): boolean {
    return (
      this.#commits.has(commit) ||
      this.#appended.has(id) ||
      this.#doubts.some(({ node, after }) => position > after && nodeOf(commit) === node)
    );
  }
}
