import type { Clock } from '../../core/clock.js';
import type { Draft } from '../../core/notification.js';
import type { AppendResult } from '../../core/store.js';
import { APPEND_QUEUE_LIMITS } from '../shared/append-queue.js';
import { GroupCommit } from '../shared/group-commit.js';
import type { Engine } from './engine.js';
import type { Follower } from './follower.js';
import { Forwarding } from './forwarding.js';
import { POSITIONS_PER_MESSAGE } from './layout.js';
import type { Lease } from './lease.js';
import type { NatsSettings } from './options.js';
import { Writer } from './writer.js';

export interface AppendsOptions {
  readonly engine: Engine;
  readonly follower: Follower;
  readonly lease: Lease;
  readonly settings: NatsSettings;
  readonly clock: Clock;
}

/** The appends of a node, with those that other nodes forward to it. */
export class Appends {
  readonly #commits: GroupCommit;
  readonly #forwarding: Forwarding;

  constructor({ engine, follower, lease, settings, clock }: AppendsOptions) {
    const { pendingMax, pendingCharsMax, timeoutMs } = settings;
    this.#forwarding = new Forwarding({
      ...{ peers: engine.peers, follower, lease },
      payloadMax: () => engine.payloadMax,
      append: (drafts) => this.append(drafts),
      pending: () => this.#commits.pending,
      // The other half stays free for the appends of this node.
      limits: { drafts: pendingMax / 2, bytes: pendingCharsMax / 2 },
    });
    const writer = new Writer({ engine, follower, lease, forwarding: this.#forwarding, clock, timeoutMs });
    this.#commits = new GroupCommit({
      engine: 'nats',
      write: (arrays) => writer.write(arrays),
      clock,
      limits: {
        batchDraftsMax: Math.min(APPEND_QUEUE_LIMITS.batchDraftsMax, POSITIONS_PER_MESSAGE),
        batchCharsMax: APPEND_QUEUE_LIMITS.batchCharsMax,
        pendingDraftsMax: pendingMax,
        pendingCharsMax,
      },
    });
    if (settings.forwardAppends) this.#forwarding.open();
  }

  append(drafts: readonly Draft[]): Promise<AppendResult> {
    return this.#commits.append(drafts);
  }

  /** Stops forwarding, then writes the appends that are already queued. */
  async close(): Promise<void> {
    await this.#forwarding.close();
    await this.#commits.idle();
  }
}
