import { afterEach, beforeEach, describe } from '@jest/globals';
import { type ConsumerInfo, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { systemClock } from '../../../src/core/clock.js';
import type { LogEntry } from '../../../src/core/notification.js';
import type { ReadQuery, Store, Tail, TailBatch } from '../../../src/core/store.js';
import { natsStore, type NatsStoreOptions } from '../../../src/stores/nats/index.js';
import { NatsServer, natsVersions } from '../engines/nats.js';

export const STREAM = 'log';

/** The stores and connections that a test opens on a server. They are closed together. */
export class Nodes {
  readonly logs: string[] = [];
  readonly #server: NatsServer;
  readonly #closing: (() => Promise<unknown>)[] = [];

  constructor(server: NatsServer) {
    this.#server = server;
  }

  async open(options: NatsStoreOptions = {}): Promise<Store> {
    const log = (message: string): void => void this.logs.push(message);
    const factory = natsStore({
      connection: { servers: this.#server.servers },
      stream: STREAM,
      timeoutMs: 2_000,
      ...options,
    });
    const store = await factory({ clock: systemClock, logger: { warn: log, error: log } });
    this.#closing.push(() => store.close());
    return store;
  }

  async follow(store: Store, after = 0): Promise<{ batches: TailBatch[]; entries: LogEntry[]; tail: Tail }> {
    const [batches, entries]: [TailBatch[], LogEntry[]] = [[], []];
    const tail = await store.tail(after, (batch) => {
      batches.push(batch);
      entries.push(...batch.entries);
    });
    return { batches, entries, tail };
  }

  /** The connection of an operator. */
  async operator(): Promise<{ nc: NatsConnection; jsm: JetStreamManager }> {
    const nc = await this.#server.connect();
    this.#closing.push(() => nc.close());
    return { nc, jsm: await jetstreamManager(nc) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing.map((close) => close()));
  }
}

/** The server and the nodes of one test. */
export interface OnServer {
  readonly server: NatsServer;
  readonly nodes: Nodes;
}

/**
 * Each test starts a new server: the machine's version, or a version named in scripts/engines.mjs.
 * Versions that are not installed are skipped.
 */
export function describeOnServer(
  name: string,
  tests: (on: OnServer) => void,
  otherVersions: readonly string[] = [],
): void {
  for (const { name: version, binary, missing } of natsVersions(otherVersions)) {
    (missing ? describe.skip : describe)(`${name}, on ${version}`, () => {
      const on = {} as { -readonly [K in keyof OnServer]: OnServer[K] };
      beforeEach(async () => {
        on.server = await NatsServer.start({ binary });
        on.nodes = new Nodes(on.server);
      });
      afterEach(async () => {
        await on.nodes.close();
        await on.server.stop();
      });
      tests(on);
    });
  }
}

/** The consumers of nodes. */
export async function pushConsumers(jsm: JetStreamManager): Promise<ConsumerInfo[]> {
  const consumers = await jsm.consumers.list(STREAM).next();
  return consumers.filter(({ config }) => config.deliver_subject !== undefined);
}

export function page(store: Store, query: Partial<ReadQuery> = {}) {
  return store.read({ topics: ['orders'], after: 0, limit: 1000, bytesMax: 2 ** 30, ...query });
}

export async function everything(store: Store, topics: readonly string[]): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (;;) {
    const next = await page(store, { topics, after: entries.at(-1)?.position ?? 0 });
    entries.push(...next.entries);
    if (!next.more) return entries;
  }
}
