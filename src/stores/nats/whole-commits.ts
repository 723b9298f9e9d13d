import type { Engine } from './engine.js';
import { decodePart, lastSequenceOf, type Part } from './layout.js';

/** Checks for one page whether commits are complete. Each commit is checked once. */
export class WholeCommits {
  readonly #engine: Engine;
  readonly #checks = new Map<string, Promise<boolean>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A part counts only if the last part of its commit is stored: the server stores it last. */
  has(part: Part): Promise<boolean> {
    let check = this.#checks.get(part.commit);
    if (!check) this.#checks.set(part.commit, (check = this.#check(part)));
    return check;
  }

  async #check(part: Part): Promise<boolean> {
    if (part.index === part.parts) return true;
    const last = await this.#engine.get({ seq: lastSequenceOf(part) });
    const lastPart = last && decodePart(last);
    return lastPart?.commit === part.commit && lastPart.index === lastPart.parts;
  }
}
