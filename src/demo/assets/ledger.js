/** Ids remembered to tell a second arrival from a first one; far more than a page ever brings at once. */
const REMEMBERED = 20_000;

/**
 * Checks, while they arrive, that two sides see the same notifications in the same order, each once.
 *
 * The side that is ahead leaves what it has seen in a queue, and the other must bring exactly that. So it keeps no history
 * but what one side lacks, and the ids of late for telling a repeat.
 */
export class Ledger {
  /** @type {Map<string, { count: number, ids: Set<string>, jumped: boolean }>} */
  #sides;
  /** Ids that one side has seen and the other has not yet. */
  #queue = [];
  #ahead;
  #matched = 0;
  #told = 0;
  #problems = { repeated: 0, outOfStep: 0 };

  constructor(first, second) {
    this.#sides = new Map([first, second].map((name) => [name, { count: 0, ids: new Set(), jumped: false }]));
  }

  /** A side has seen a notification. */
  arrived(name, id) {
    const side = this.#sides.get(name);
    side.count++;
    if (side.ids.has(id)) {
      this.#problems.repeated++;
      return;
    }
    side.ids.add(id);
    if (side.ids.size > REMEMBERED) side.ids.delete(side.ids.values().next().value);

    if (this.#queue.length === 0 || this.#ahead === name) this.#lead(name, id);
    else this.#follow(name, id);
  }

  /** A side was told that it cannot have everything: what it lacks up to its next notification is no fault. */
  gap(name) {
    this.#sides.get(name).jumped = true;
  }

  /**
   * @returns {{ kind: 'same' | 'behind' | 'different', matched: number, behind?: string, lacking: number, told: number,
   *   repeated: number, outOfStep: number }}
   */
  verdict() {
    const { repeated, outOfStep } = this.#problems;
    const lacking = this.#queue.length;
    const kind = repeated + outOfStep > 0 ? 'different' : lacking > 0 ? 'behind' : 'same';
    const behind = [...this.#sides.keys()].find((name) => lacking > 0 && name !== this.#ahead);
    return { kind, matched: this.#matched, behind, lacking, told: this.#told, repeated, outOfStep };
  }

  count(name) {
    return this.#sides.get(name).count;
  }

  #lead(name, id) {
    this.#ahead = name;
    this.#queue.push(id);
    this.#sides.get(name).jumped = false;
  }

  #follow(name, id) {
    const side = this.#sides.get(name);
    const at = side.jumped ? this.#queue.indexOf(id) : this.#queue[0] === id ? 0 : -1;
    if (at >= 0) {
      side.jumped = false;
      this.#told += at;
      this.#queue.splice(0, at + 1);
      this.#matched++;
    } else if (side.jumped) {
      // It has leapt past all that the other one has seen, as after a restart that it noticed first.
      this.#told += this.#queue.length;
      this.#queue = [];
      this.#lead(name, id);
    } else this.#problems.outOfStep++;
  }
}
