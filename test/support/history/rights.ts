import type { ClientHistory, Publish, RightsChange, Waiting } from './history.js';

/** The topics that a client may read over time. */
export class RightsOf {
  readonly #changes: readonly RightsChange[];

  constructor({ rights = [] }: ClientHistory) {
    this.#changes = rights;
  }

  /**
   * Whether a publish must not be delivered at a moment: it was called after the topic was revoked,
   * and the topic is still revoked.
   */
  forbids({ topic, calledMs }: Publish, atMs: number): boolean {
    const taken = this.#changes.findLastIndex(
      (change) => change.topic === topic && !change.allowed && (change.doneMs ?? Infinity) < calledMs,
    );
    return taken >= 0 && !this.#givenBack(taken, topic, ({ calledMs: givenMs }) => givenMs <= atMs);
  }

  /**
   * Whether a topic was or may have been revoked before the answer to a request. Then the answer
   * may lack notifications of it.
   */
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
