import { type Clock, systemClock } from '../../../src/core/clock.js';
import type { Draft } from '../../../src/core/notification.js';
import type { Appended } from '../../../src/core/store.js';
import { Appends } from '../../../src/stores/nats/appends.js';
import { Engine } from '../../../src/stores/nats/engine.js';
import { Follower } from '../../../src/stores/nats/follower.js';
import { Lease } from '../../../src/stores/nats/lease.js';
import { type NatsStoreOptions, natsSettings } from '../../../src/stores/nats/options.js';
import { Outage } from '../../../src/stores/shared/unavailable.js';

/** The parts of a node that append, so that a test can change one of them. */
export class NatsNode {
  private constructor(
    readonly engine: Engine,
    readonly follower: Follower,
    readonly lease: Lease,
    readonly appends: Appends,
  ) {}

  static async open(
    servers: string | string[],
    options: NatsStoreOptions,
    clock: Clock = systemClock,
  ): Promise<NatsNode> {
    const settings = natsSettings({ connection: { servers }, timeoutMs: 5_000, ...options });
    const engine = await Engine.connect(settings, clock);
    const outage = new Outage('nats', { warn: () => undefined, error: () => undefined });
    const handlers = { onVisible: () => undefined, onEpoch: () => undefined };
    const follower = new Follower({ engine, clock, settings, outage, ...handlers });
    await follower.start();
    const lease = new Lease(clock);
    const appends = new Appends({ engine, follower, lease, settings, clock });
    await follower.ready(settings.timeoutMs);
    return new NatsNode(engine, follower, lease, appends);
  }

  /** The id by which other nodes know this node. */
  get id(): string {
    return this.engine.peers.node;
  }

  async append(...drafts: readonly Draft[]): Promise<readonly Appended[]> {
    return (await this.appends.append(drafts)).appended;
  }

  async close(): Promise<void> {
    await this.appends.close();
    await this.follower.close();
    await this.engine.close();
  }
}
