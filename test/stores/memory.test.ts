import { describe, test } from '@jest/globals';
import { storeContract } from '../../src/testing/index.js';
import { openMemoryStore } from '../support/memory.js';

describe('memoryStore keeps the store contract', () => {
  const checks = storeContract({
    open: openMemoryStore,
    abilities: ['claim', 'positionsOf', 'indexPatterns'],
    trim: { open: () => openMemoryStore({ retainCount: 10 }), keep: 10 },
  });
  for (const check of checks) test(check.name, check.run);
});
