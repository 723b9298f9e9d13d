import type { Clock } from '../../core/clock.js';
import { randomHex } from '../shared/epoch.js';

const ID_BYTES = 8;
/**
 * Each listening node sends a greeting every 15 seconds. A node without a message for this time is
 * forgotten.
 */
const SILENT_MS_MAX = 40_000;
/** A new node waits this long for answers to its greeting. Other nodes answer much faster. */
const ANSWER_MS = 2_000;
/** Bounds the remembered nodes. It is far more than the nodes that share one log. */
const PEERS_MAX = 1_000;

const MESSAGE = /^([+-])([0-9a-f]+)$/;

/** The sender of a message: this node, a node that was not known, or any other client. */
export type Sender = 'self' | 'newcomer' | 'other';

/**
 * The other nodes that listen. NOTIFY wakes every listening session, and slows the appends of a
 * publisher. So a node that knows no other node sends no NOTIFY.
 *
 * Each message of a node carries its id. A node sends a greeting when it begins to listen, and the
 * other nodes answer. So the new node learns whether other nodes exist. Behind a pooler in
 * transaction mode a node may not receive its own greeting. It then assumes that other nodes
 * listen. A wrong assumption delays notifications but loses none, because nodes also poll.
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

  /** The text that a node sends as a wake-up and also as a greeting. */
  get greeting(): string {
    return `+${this.#id}`;
  }

  /** The last message of a node. */
  get farewell(): string {
    return `-${this.#id}`;
  }

  /** False only if this node knows that no other node listens. */
  get mayListen(): boolean {
    const nowMs = this.#clock.monotonic();
    if (this.#greetedAtMs === undefined || nowMs - this.#greetedAtMs < ANSWER_MS) return true;
    for (const [id, atMs] of this.#heardAtMs) if (nowMs - atMs > SILENT_MS_MAX) this.#heardAtMs.delete(id);
    return this.#heardAtMs.size > 0;
  }

  /** Called when this node begins to listen, and when its listening connection is lost. */
  reset(): void {
    this.#greetedAtMs = undefined;
  }

  /**
   * @param isEcho true if the listening session sent the message itself. This proves that no pooler
   * exchanges sessions.
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
