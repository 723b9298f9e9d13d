import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterSuite } from './suite.js';

clusterSuite('one SQLite file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-cluster-'));
  return {
    env: { STORE: `sqlite:${join(folder, 'log.db')}` },
    stop: async () => {
      rmSync(folder, { recursive: true });
    },
  };
});
