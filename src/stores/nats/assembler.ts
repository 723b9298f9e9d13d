import type { LogEntry } from '../../core/notification.js';
import { endPosition, type Part } from './layout.js';

/** What has become visible by a message: a whole commit, or nothing but a higher head. */
export interface Visible {
  /** What lies between the head before and this cannot be read any more; undefined when nothing does. */
  readonly floor: number | undefined;
  /** In order, all above `floor`. */
  readonly entries: readonly LogEntry[];
  readonly head: number;
  /** Empty when the message was not a commit's. */
  readonly commit: string;
}

/**
 * Puts commits together from the messages of the stream in their order. Nothing of a commit is visible before its last
 * part; the parts of one that was cut off, because its node died, are dropped when anything else follows.
 */
export class Assembler {
  #open: Part[] = [];
  #floor: number | undefined;
  #next: number;

  /** @param next the sequence of the message that is expected first */
  constructor(next: number) {
    this.#next = next;
  }

  /** The sequence that is expected next. */
  get next(): number {
    return this.#next;
  }

  /** Takes the message at a sequence; `part` is undefined for one that is not a commit's. */
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

  /** There is nothing left to read up to a sequence. */
  skip(sequence: number): Visible {
    this.#next = sequence + 1;
    this.#open = [];
    const head = endPosition(sequence);
    return { floor: head, entries: [], head, commit: '' };
  }

  #continues(part: Part): boolean {
    const last = this.#open.at(-1);
    return last?.commit === part.commit && last.index === part.index - 1;
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
