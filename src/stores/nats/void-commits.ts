import type { Engine } from './engine.js';
import { decodePart, firstSequenceOf, lastSequenceOf, type Part, type RawMessage } from './layout.js';

/**
 * Finds the parts of unfinished commits that must be removed together with a message.
 *
 * If the last part is missing, a reader searches the gap before its sequence for another commit. If
 * there is none, `remove` has removed the last part, and the commit is whole. An unfinished commit
 * would look the same if the messages after it were removed. So its parts are removed as well,
 * before these messages. They were never visible.
 */
export class VoidCommits {
  readonly #engine: Engine;
  /** The last message that was checked. */
  #checked = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The parts of unfinished commits before a part of a whole one. Call it in ascending order. */
  async before({ sequence, index }: Part): Promise<readonly number[]> {
    // The previous message needs no check: it belongs to this commit or was already checked.
    const isKnown = index > 1 || this.#checked === sequence - 1;
    this.#checked = sequence;
    return isKnown ? [] : this.#directlyBefore(sequence);
  }

  /** The parts of an unfinished commit, by one of its parts, and of those before it. */
  async partsOf(part: Part): Promise<readonly number[]> {
    this.#checked = part.sequence;
    const first = firstSequenceOf(part);
    const sequences = [...(await this.#directlyBefore(first))];
    for (let next = first; next <= lastSequenceOf(part); next++) {
      const message = await this.#engine.get({ seq: next });
      if (message && decodePart(message)?.commit === part.commit) sequences.push(next);
    }
    return sequences;
  }

  /** Several nodes may have died one after another. So each commit before is checked as well. */
  async #directlyBefore(sequence: number): Promise<readonly number[]> {
    const sequences: number[] = [];
    for (let end = sequence; ;) {
      const previous = await this.#previous(end);
      const part = previous && decodePart(previous);
      if (!part || lastSequenceOf(part) < end) return sequences;
      for (let next = part.sequence; next >= firstSequenceOf(part); next--) sequences.push(next);
      end = firstSequenceOf(part);
    }
  }

  /**
   * The last message before a sequence. The server only finds the next one. So the search doubles
   * the distance until it finds a message, then narrows down by halves.
   */
  async #previous(sequence: number): Promise<RawMessage | undefined> {
    let [found, empty] = [undefined as RawMessage | undefined, sequence];
    for (let distance = 1; !found && empty > 1; distance *= 2) {
      const from = Math.max(1, sequence - distance);
      found = await this.#next(from, sequence);
      if (!found) empty = from;
    }
    while (found && empty - found.sequence > 1) {
      const middle = Math.ceil((found.sequence + empty) / 2);
      const later = await this.#next(middle, sequence);
      if (later) found = later;
      else empty = middle;
    }
    return found;
  }

  async #next(from: number, before: number): Promise<RawMessage | undefined> {
    const message = await this.#engine.get({ seq: from, next_by_subj: '>' });
    return message && message.sequence < before ? message : undefined;
  }
}
