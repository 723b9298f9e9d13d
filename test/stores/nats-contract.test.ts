import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { storeContract } from 'nest-notifications/testing';
import { systemClock } from '../../src/core/clock.js';
import type { Store } from '../../src/core/store.js';
import { natsStore, type NatsStoreOptions } from '../../src/stores/nats/index.js';
import { inDepth } from '../support/depth.js';
import { NatsServer, natsVersions } from '../support/engines/nats.js';

for (const { name, binary, missing } of natsVersions(inDepth([], ['nats-2.10', 'nats-newest']))) {
  (missing ? describe.skip : describe)(`natsStore keeps the store contract, on ${name}`, () => {
    keepsContract(binary);
  });
}

function keepsContract(binary: string): void {
  let server: NatsServer;
  let logs = 0;

  beforeAll(async () => {
    server = await NatsServer.start({ binary });
  });
  afterAll(() => server.stop());

  const openLast = async (options: NatsStoreOptions = {}): Promise<Store> => {
    const factory = natsStore({ connection: { servers: server.servers }, stream: `contract-${logs}`, ...options });
    return factory({ clock: systemClock, logger: console });
  };
  const open = (options?: NatsStoreOptions) => {
    logs++;
    return openLast(options);
  };

  const checks = storeContract({
    open: () => open(),
    abilities: ['claim', 'positionsOf', 'indexPatterns'],
    openAnother: () => openLast(),
    trim: { open: () => open({ retainCount: 10 }), keep: 10 },
  });
  for (const { name, run } of checks) test(name, run);
}
