import type { LogEntry } from '../../core/notification.js';
import type { Epoch } from '../../core/store.js';

/** What every script answers first. */
export interface LogReply {
  readonly epoch: Epoch;
  readonly head: number;
  readonly trimmed: number;
  /** What the script adds. */
  readonly rest: readonly unknown[];
}

/** Values of one entry in a flat list: position, id, topic, json, bytes. */
const ENTRY_VALUES = 5;

/**
 * What this node knows of the log: its epoch, and what stands at the highest position that it has seen. Scripts compare
 * it with what the engine has, so that a log that was lost or rewound behind a node's back does not go on as if nothing
 * had happened.
 */
export class LogState {
  #era = 0;
  #epochId = '';
  #position = 0;
  #token = '';
  #candidate = newEpoch();

  get epochId(): string {
    return this.#epochId;
  }

  /** ARGV[1..6] of every script. */
  args(): (string | number)[] {
    return [this.#era, this.#epochId, this.#position, this.#token, this.#candidate.id, this.#candidate.secret];
  }

  /** Takes in the answer of a script. */
  learn(reply: unknown): LogReply {
    const [era, id, secret, head, token, trimmed, ...rest] = reply as unknown[];
    const epoch = { id: String(id), secret: String(secret) };
    const position = Number(head);
    // An answer of an earlier epoch than the known one was on its way while that was made.
    if (Number(era) > this.#era || (epoch.id === this.#epochId && position >= this.#position)) {
      this.#era = Number(era);
      this.#epochId = epoch.id;
      this.#position = position;
      this.#token = String(token);
    }
    if (epoch.id === this.#candidate.id) this.#candidate = newEpoch();
    return { epoch, head: position, trimmed: Number(trimmed), rest };
  }
}

/** The entries of a flat list. */
export function entriesOf(list: unknown): LogEntry[] {
  const values = list as unknown[];
  const entries: LogEntry[] = [];
  for (let at = 0; at < values.length; at += ENTRY_VALUES) {
    entries.push({
      position: Number(values[at]),
      id: String(values[at + 1]),
      topic: String(values[at + 2]),
      json: String(values[at + 3]),
      bytes: Number(values[at + 4]),
    });
  }
  return entries;
}

function newEpoch(): Epoch {
  return { id: globalThis.crypto.randomUUID(), secret: randomHex(32) };
}

/** Random bytes as text. */
export function randomHex(bytes: number): string {
  return Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
}
