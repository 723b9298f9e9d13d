import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.js';
import type { LogEntry } from '../../core/notification.js';
import type { Epoch, PastEpoch } from '../../core/store.js';
import { newEpoch } from '../shared/epoch.js';
import { isBehind } from './errors.js';

/** The first part of every script's reply. */
export interface LogReply {
  readonly epoch: Epoch;
  readonly head: number;
  readonly trimmed: number;
  /** The values that the script adds. */
  readonly rest: readonly unknown[];
}

/** Values of one entry in a flat list: position, id, topic, json, bytes. */
const ENTRY_VALUES = 5;

/**
 * How long a node that is connected to an engine with an older log waits for the newer log. A
 * replaced primary may resume as a primary. Sentinel makes that primary a replica after 8 to 10
 * seconds.
 */
const BEHIND_MS = 20_000;

/** Number of epochs that a node remembers: a reply may name an epoch that has ended. */
const EPOCHS_MAX = 8;

export interface LogStateOptions {
  readonly clock: Clock;
  /** Replicas that an append waits for. */
  readonly waitReplicas: number;
}

/**
 * The log as this node knows it: its epoch, and the append at the highest position that the node
 * has seen. Scripts compare this with the engine's state, so that a lost or rewound log does not
 * continue as if nothing had happened.
 *
 * If an engine is behind the node, the reason may be a failover that is not complete, so the node
 * waits. Without replicas there is no other engine to wait for.
 */
export class LogState {
  /** Whether the engine has an append on its disk before it answers. */
  synced = false;
  readonly #options: LogStateOptions;
  readonly #epochs = new LRUCache<string, Epoch>({ max: EPOCHS_MAX });
  #era = 0;
  #epochId = '';
  #position = 0;
  #token = '';
  #hasReplicas = false;
  #behindSince: number | undefined;

  constructor(options: LogStateOptions) {
    this.#options = options;
  }

  get epochId(): string {
    return this.#epochId;
  }

  /** The engine that answered last has an older log than this node knows. */
  get isBehind(): boolean {
    return this.#behindSince !== undefined;
  }

  /**
   * ARGV[1..9] of every script. Each call offers another new epoch id, because the engine may lose
   * an epoch that it has accepted.
   */
  args(): (string | number)[] {
    const { id, secret } = newEpoch();
    const known = [this.#era, this.#epochId, this.#position, this.#token];
    return [...known, id, secret, this.#mayWait() ? 0 : 1, this.synced ? 1 : 0, this.#options.waitReplicas];
  }

  /** Updates the state from the reply of a script. */
  learn(reply: unknown): LogReply {
    const [era, id, secret, head, token, trimmed, replicas, before, ...rest] = reply as unknown[];
    const epoch = this.#remembered({ id: String(id), secret: String(secret), before: pastOf(String(before)) });
    const position = Number(head);
    this.#behindSince = undefined;
    if (Number(replicas) > 0) this.#hasReplicas = true;
    // The reply may be older than the known epoch, if the epoch changed while it was in flight.
    if (Number(era) > this.#era || (epoch.id === this.#epochId && position >= this.#position)) {
      this.#era = Number(era);
      this.#epochId = epoch.id;
      this.#position = position;
      this.#token = String(token);
    }
    return { epoch, head: position, trimmed: Number(trimmed), rest };
  }

  /** Updates the state from the error of a script. */
  failed(error: unknown): void {
    if (isBehind(error)) this.#behindSince ??= this.#options.clock.monotonic();
  }

  #mayWait(): boolean {
    const waitedMs = this.#behindSince === undefined ? 0 : this.#options.clock.monotonic() - this.#behindSince;
    return this.#hasReplicas && waitedMs < BEHIND_MS;
  }

  /**
   * Adds the past epochs from an earlier answer. An answer contains them only if the node did not
   * know the epoch when it sent the call.
   */
  #remembered(epoch: Epoch): Epoch {
    const known = this.#epochs.get(epoch.id);
    if (known) return known;
    this.#epochs.set(epoch.id, epoch);
    return epoch;
  }
}

function pastOf(text: string): readonly PastEpoch[] | undefined {
  if (text === '') return undefined;
  return text.split('\n').map((line) => {
    const [id = '', secret = '', upTo, lost] = line.split(' ');
    return { id, secret, upTo: Number(upTo), lost: lost === '1' };
  });
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
