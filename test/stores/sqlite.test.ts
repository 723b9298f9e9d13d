import { join } from 'node:path';
import { afterAll, describe, test } from '@jest/globals';
import { storeContract } from '../../src/testing/index.js';
import { openSqliteStore, temporaryFolder } from '../support/stores/sqlite.js';

describe('sqliteStore keeps the store contract', () => {
  const { folder, cleanUp } = temporaryFolder();
  afterAll(cleanUp);

  let files = 0;
  const path = (): string => join(folder, `${files}.db`);
  const openNew = (options = {}) => {
    files++;
    return openSqliteStore({ path: path(), ...options });
  };
  const checks = storeContract({
    open: () => openNew(),
    abilities: ['claim', 'positionsOf', 'indexPatterns'],
    openAnother: () => openSqliteStore({ path: path() }),
    trim: { open: () => openNew({ retainCount: 10 }), keep: 10 },
  });
  for (const check of checks) test(check.name, check.run);
});
