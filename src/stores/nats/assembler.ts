import type { LogEntry } from '../../core/notification.js';
import { endPosition, lastSequenceOf, type Part } from './layout.js';

/** The effect of a message: a whole commit becomes visible, or only the head moves. */
export interface Visible {
  /**
   * Entries between the old head and this position cannot be read any more. Undefined if there are
   * none.
   */
  readonly floor: number | undefined;
  /** The entries that become visible, in the order of the log. All are above `floor`. */
  readonly entries: readonly LogEntry[];
  readonly head: number;
  /** The id of the commit. Empty if the message does not belong to a commit. */
  readonly commit: string;
}

/**
 * Assembles commits from the messages of the stream, in order. A commit becomes visible with its
 * last part. If another message follows an unfinished commit, the commit's node has died. The parts
 * of the commit are dropped.
 */
export class Assembler {
  #open: Part[] = [];
  #floor: number | undefined;
  #next: number;

  /** @param next the sequence of the first message */
  constructor(next: number) {
    this.#next = next;
  }

  /** The sequence of the next message. */
  get next(): number {
    return this.#next;
  }

  /**
   * Adds the message at a sequence. `part` is undefined for a message that does not belong to a
   * commit.
   */
  add(sequence: number, part: Part | undefined): Visible | undefined {
    const missing = sequence > this.#next;
    this.#next = sequence + 1;
    if (!part) {
      this.#open = [];
      return {
        floor: missing ? endPosition(sequence - 1) : undefined,
        entries: [],
        head: endPosition(sequence),
        commit: '',
      };
    }
    if (missing) this.#floor = part.floor;
    if (missing || !this.#continues(part)) this.#open = [part];
    else this.#open.push(part);
    return part.index === part.parts ? this.#close(sequence, part.commit) : undefined;
  }

  /**
   * The messages up to a sequence are missing, because `remove` has removed them. Retention did not
   * remove them: it would also have removed all earlier messages. If the last part of a commit is
   * among these messages, the commit is complete.
   */
  removed(sequence: number): Visible | undefined {
    const last = this.#open.at(-1);
    this.#next = sequence + 1;
    if (!last || lastSequenceOf(last) > sequence) return undefined;
    return this.#close(lastSequenceOf(last), last.commit);
  }

  /** Skips the messages up to a sequence. Retention has removed them. */
  skip(sequence: number): Visible {
    this.#next = sequence + 1;
    this.#open = [];
    const head = endPosition(sequence);
    return { floor: head, entries: [], head, commit: '' };
  }

  #continues(part: Part): boolean {
    const last = this.#open.at(-1);
    return last?.commit === part.commit;
  }

  #close(sequence: number, commit: string): Visible {
    const [open, floor] = [this.#open, this.#floor];
    this.#open = [];
    this.#floor = undefined;
    const entries = open
      .flatMap((part) => part.entries)
      .filter(({ position }) => floor === undefined || position > floor)
      .sort((a, b) => a.position - b.position);
    return { floor, entries, head: endPosition(sequence), commit };
  }
}
