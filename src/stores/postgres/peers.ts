import type { Clock } from '../../core/clock.js';
import { randomHex } from '../shared/epoch.js';

const ID_BYTES = 8;
/**
 * Listening nodes greet every 15 seconds. After this time without a message a node is forgotten.
 */
const SILENT_MS_MAX = 40_000;
/** Listening nodes answer a new one much faster. */
const ANSWER_MS = 2_000;
/** Bounds the remembered nodes; far more than share one log. */
const PEERS_MAX = 1_000;

const MESSAGE = /^([+-])([0-9a-f]+)$/;

/** The sender of a message: this node, a node that was not known, or any other client. */
export type Sender = 'self' | 'newcomer' | 'other';

/**
 * The other nodes that listen. NOTIFY wakes every listening session, and slows the appends of a
 * publisher. A node that is alone does not need it.
 *
 * Each message of a node carries its id. A node greets when it begins to listen, and the others
 * answer. So it knows soon whether it is alone. If it has not received its own greeting, as behind
 * a pooler in transaction mode, it assumes that others listen. A mistake costs time, not
 * notifications: nodes also poll.
 */
export class Peers {
  readonly #clock: Clock;
  readonly #id = randomHex(ID_BYTES);
  readonly #heardAtMs = new Map<string, number>();
  /** The time at which this node received its own greeting, from its own session. */
  #greetedAtMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The message of a wake-up and of a greeting. */
  get greeting(): string {
    return `+${this.#id}`;
  }

  /** The last message of a node. */
  get farewell(): string {
    return `-${this.#id}`;
  }

  /** False if no other node listens. */
  get mayListen(): boolean {
    const nowMs = this.#clock.monotonic();
    if (this.#greetedAtMs === undefined || nowMs - this.#greetedAtMs < ANSWER_MS) return true;
    for (const [id, atMs] of this.#heardAtMs) if (nowMs - atMs > SILENT_MS_MAX) this.#heardAtMs.delete(id);
    return this.#heardAtMs.size > 0;
  }

  /** Called when this node begins to listen, and when it has lost that connection. */
  reset(): void {
    this.#greetedAtMs = undefined;
  }

  /**
   * @param isEcho the session that listens has sent the message, so no pooler changes its session
   */
  hear(message: string | undefined, isEcho: boolean): Sender {
    const [, kind, id = ''] = MESSAGE.exec(message ?? '') ?? [];
    const nowMs = this.#clock.monotonic();
    if (id === this.#id) {
      if (isEcho) this.#greetedAtMs ??= nowMs;
      return 'self';
    }
    if (kind === '-') this.#heardAtMs.delete(id);
    if (kind !== '+') return 'other';
    const isNew = !this.#heardAtMs.has(id);
    if (isNew && this.#heardAtMs.size >= PEERS_MAX) return 'other';
    this.#heardAtMs.set(id, nowMs);
    return isNew ? 'newcomer' : 'other';
  }
}
