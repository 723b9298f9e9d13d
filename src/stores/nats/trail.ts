/** A commit that this node has seen in the log. */
export interface Step {
  /** The sequence of its last message. */
  readonly sequence: number;
  readonly commit: string;
}

/**
 * Commits in a trail: about 1 MiB. When the trail is full, it drops every second commit of its
 * older half.
 */
const STEPS_MAX = 8_192;

/**
 * Commits that this node has seen, by which it recognises the log after an interruption. All recent
 * ones are kept, and fewer of the older ones, so a loss of any length is found.
 */
export class Trail {
  #steps: Step[] = [];

  get last(): Step | undefined {
    return this.#steps.at(-1);
  }

  add(step: Step): void {
    if (step.sequence <= (this.last?.sequence ?? 0)) return;
    this.#steps.push(step);
    if (this.#steps.length < STEPS_MAX) return;
    this.#steps = this.#steps.filter((_, at) => at >= STEPS_MAX / 2 || at % 2 === 0);
  }

  clear(): void {
    this.#steps = [];
  }

  /** The last commit at or below a sequence. */
  lastUpTo(sequence: number): Step | undefined {
    return this.#steps.findLast((step) => step.sequence <= sequence);
  }

  /** The last commit that is kept. If the stream keeps a commit, it also keeps all earlier ones. */
  async lastKept(isKept: (step: Step) => Promise<boolean>): Promise<Step | undefined> {
    let [kept, lost] = [0, this.#steps.length];
    while (kept < lost) {
      const middle = Math.floor((kept + lost) / 2);
      const step = this.#steps[middle];
      if (step && (await isKept(step))) kept = middle + 1;
      else lost = middle;
    }
    return this.#steps[kept - 1];
  }
}
