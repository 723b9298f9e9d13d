import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import { postgresStore, type PostgresStoreOptions } from '../../src/stores/postgres/index.js';
import { storeContract } from '../../src/testing/index.js';
import { inDepth } from '../support/depth.js';
import { otherVersion, PostgresEngine, postgresMissing } from '../support/engines/postgres.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;

describePostgres('postgresStore keeps the store contract', () => {
  keepsContract();
});

/** The oldest version and the newest. */
for (const major of inDepth<readonly number[]>([], [13, 18])) {
  describe(`on PostgreSQL ${major}, postgresStore keeps the store contract`, () => {
    const bin = otherVersion(major);
    if (bin) keepsContract(bin);
    else test.skip(`PostgreSQL ${major} is not installed (node scripts/postgres-versions.mjs)`, () => undefined);
  });
}

function keepsContract(bin?: string): void {
  let engine: PostgresEngine;
  let logs = 0;
  beforeAll(async () => {
    engine = await PostgresEngine.open({ ...(bin && { bin }) });
  }, 60_000);
  afterAll(() => engine.stop());

  const logger = { warn: fail, error: fail };
  const openLog = async (options: PostgresStoreOptions = {}) =>
    postgresStore({ connectionString: engine.url, schema: `log_${logs}`, ...options })({ clock: systemClock, logger });
  const open = (options?: PostgresStoreOptions) => {
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
