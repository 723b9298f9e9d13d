import { unavailable } from '../shared/unavailable.js';
import type { Engine } from './engine.js';
import { encodeEpoch } from './epoch-text.js';
import { guardSubject } from './layout.js';
import type { NatsSettings } from './options.js';
import type { LogStatus } from './stream.js';

/**
 * Shows whether a single server has run without a restart since an epoch began. A restart may
 * follow a power cut, in which the server lost its newest messages. The stream itself does not show
 * that loss.
 *
 * The mark of an epoch is a consumer in the memory of the server, which a restart removes. A
 * cluster restores the consumer without its delivery state. So in a cluster, a mark is valid only
 * if it has delivered a message. A node sets the mark before it uses or proposes the epoch. So if a
 * node finds an epoch without a mark, the server has restarted.
 *
 * A stream with replicas needs no mark while a majority of its servers runs.
 */
export class ServerRun {
  readonly #engine: Engine;
  readonly #isNeeded: boolean;

  constructor(engine: Engine, { replicas, syncAlways }: NatsSettings) {
    this.#engine = engine;
    this.#isNeeded = replicas === 1 && !syncAlways;
  }

  /** False if the server may have lost notifications of the epoch in a restart. */
  async includes({ epoch, isClustered }: LogStatus): Promise<boolean> {
    if (!this.#isNeeded) return true;
    const mark = await this.#engine.consumerInfo(markOf(epoch.id));
    return mark !== undefined && (!isClustered || mark.delivered.consumer_seq > 0);
  }

  /**
   * Sets the mark of a new log, and then states that the log is not new. Several nodes may do so at
   * once. In a cluster the log begins with another epoch instead, because the mark needs a message.
   */
  async begin({ epoch, isClustered, lastSequence }: LogStatus): Promise<void> {
    if (!this.#isNeeded || isClustered || lastSequence > 0) return;
    await this.#keep(markOf(epoch.id), 1);
    await this.#engine.describe(encodeEpoch(epoch));
  }

  /** Sets the mark of another epoch of a log. */
  async mark(epochId: string, { isClustered, lastSequence, prefix }: LogStatus): Promise<void> {
    if (!this.#isNeeded) return;
    const name = markOf(epochId);
    await this.#keep(name, isClustered ? await this.#engine.publishMarker(guardSubject(prefix)) : lastSequence + 1);
    if (!isClustered || (await this.#engine.pull(name))) return;
    this.unmark(epochId);
    throw unavailable('The NATS server has not delivered a message of its stream.');
  }

  /** Removes the mark of an epoch that the log does not use. */
  unmark(epochId: string): void {
    if (this.#isNeeded) void this.#engine.deleteConsumer(markOf(epochId));
  }

  #keep(name: string, opt_start_seq: number): Promise<void> {
    const start = { deliver_policy: 'by_start_sequence', opt_start_seq } as const;
    return this.#engine.keepConsumer(name, { ...start, ack_policy: 'none', mem_storage: true, num_replicas: 1 });
  }
}

function markOf(epochId: string): string {
  return `epoch-${epochId}`;
}
