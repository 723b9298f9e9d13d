import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { redisStore, type RedisStoreOptions } from '../../src/stores/redis/index.js';
import { storeContract } from '../../src/testing/index.js';
import { RedisEngine, redisVersions } from '../support/engines/redis.js';

for (const { name, binary, missing } of redisVersions()) {
  (missing ? describe.skip : describe)(`redisStore keeps the store contract, on ${name}`, () => {
    keepsContract(binary);
  });
}

function keepsContract(binary: string): void {
  let engine: RedisEngine;
  let logs = 0;
  beforeAll(async () => {
    engine = await RedisEngine.start({ binary });
  });
  afterAll(() => engine.stop());

  const logger = { warn: fail, error: fail };
  const openLog = async (options: Partial<RedisStoreOptions> = {}) =>
    redisStore({ connection: engine.url, prefix: `log ${logs}`, ...options })({ clock: systemClock, logger });
  const open = (options?: Partial<RedisStoreOptions>) => {
    logs++;
    return openLog(options);
  };

  const checks = storeContract({
    open,
    openAnother: openLog,
    abilities: ['claim', 'positionsOf', 'indexPatterns'],
    trim: { open: () => open({ retainCount: 10 }), keep: 10 },
  });
  for (const check of checks) test(check.name, check.run);
}

function fail(message: string): never {
  throw new Error(`the store must not log anything; it logged: ${message}`);
}
