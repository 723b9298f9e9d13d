import type { Engine } from './engine.js';
import { decodePart, lastSequenceOf, type Part } from './layout.js';

/**
 * Checks for one page, or for one step of a removal, whether commits are complete. Each commit is
 * checked once.
 */
export class WholeCommits {
  readonly #engine: Engine;
  readonly #checks = new Map<string, Promise<boolean>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * A part counts only if the last part of its commit was stored: the server stores it last. If
   * `remove` has removed that part, no other message has its sequence. If it was never stored,
   * another message follows the parts that are stored.
   */
  has(part: Part): Promise<boolean> {
    let check = this.#checks.get(part.commit);
    if (!check) this.#checks.set(part.commit, (check = this.#check(part)));
    return check;
  }

  async #check(part: Part): Promise<boolean> {
    if (part.index === part.parts) return true;
    const end = lastSequenceOf(part);
    const last = await this.#engine.get({ seq: end });
    if (last) return decodePart(last)?.commit === part.commit;
    for (let next = part.sequence + 1; ;) {
      const message = await this.#engine.get({ seq: next, next_by_subj: '>' });
      if (!message || message.sequence > end) return true;
      if (decodePart(message)?.commit !== part.commit) return false;
      next = message.sequence + 1;
    }
  }
}
