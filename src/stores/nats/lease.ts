import type { Clock } from '../../core/clock.js';

/** A node forwards for this long after the last sign that other nodes write at the same time. */
const TERM_MS = 1_000;
/** How long a node does not forward to a node that has not answered. */
const AVOIDED_MS = 5_000;

/**
 * Decides which node writes the appends of this node. While no other node writes at the same time,
 * this node does. If this node loses a race for the next commit, the winner gets the lease. This
 * node then forwards its appends to the winner, which adds them to its own commits.
 *
 * The log itself grants the lease, because the server stores only one commit after each message.
 * Each node has its own view of the lease, and two nodes may both write. Then the server rejects
 * one of their commits, as without a lease. So a wrong view costs time, but no notification.
 */
export class Lease {
  readonly #clock: Clock;
  #holder: string | undefined;
  #endsMs = 0;
  /** Nodes that have not answered, and the end of the time in which they are avoided. */
  readonly #avoided = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The other node that writes for this node. Undefined if this node writes. */
  get holder(): string | undefined {
    if (this.#clock.monotonic() >= this.#endsMs) this.#holder = undefined;
    return this.#holder;
  }

  /** Another node writes for this node, until the lease ends or is granted again. */
  grant(holder: string): void {
    if (this.#isAvoided(holder)) return;
    this.#holder = holder;
    this.#endsMs = this.#clock.monotonic() + TERM_MS;
  }

  /** This node writes. */
  end(): void {
    this.#holder = undefined;
  }

  /** The node has not answered. This node writes, and does not forward to it for some time. */
  avoid(node: string): void {
    const nowMs = this.#clock.monotonic();
    for (const [other, endsMs] of this.#avoided) if (endsMs <= nowMs) this.#avoided.delete(other);
    this.#avoided.set(node, nowMs + AVOIDED_MS);
    if (this.#holder === node) this.end();
  }

  #isAvoided(node: string): boolean {
    return (this.#avoided.get(node) ?? 0) > this.#clock.monotonic();
  }
}
