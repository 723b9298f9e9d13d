import type { ClientHistory, Publish, RightsChange, Waiting } from './history.js';

/** What a client may read, and when. */
export class RightsOf {
  readonly #changes: readonly RightsChange[];

  constructor({ rights = [] }: ClientHistory) {
    this.#changes = rights;
  }

  /** Whether nothing of a publish may be told at a moment: it was called after the topic was taken away, which still holds. */
  forbids({ topic, calledMs }: Publish, atMs: number): boolean {
    const taken = this.#changes.findLastIndex(
      (change) => change.topic === topic && !change.allowed && (change.doneMs ?? Infinity) < calledMs,
    );
    return taken >= 0 && !this.#givenBack(taken, topic, ({ calledMs: givenMs }) => givenMs <= atMs);
  }

  /** Whether a topic was taken away, or may have been, before a request was answered: then it need not be told all of it. */
  disturbs(topic: string, { askedMs, atMs }: Waiting): boolean {
    const taken = this.#changes.findLastIndex(
      (change) => change.topic === topic && !change.allowed && change.calledMs <= atMs,
    );
    return taken >= 0 && !this.#givenBack(taken, topic, ({ doneMs = Infinity }) => doneMs <= askedMs);
  }

  #givenBack(taken: number, topic: string, when: (change: RightsChange) => boolean): boolean {
    return this.#changes.some((change, at) => at > taken && change.topic === topic && change.allowed && when(change));
  }
}
