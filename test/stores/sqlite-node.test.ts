import { isBuiltin } from 'node:module';
import { expect, jest, test } from '@jest/globals';

// Without libsql the store uses the runtime's own library, which Node 20 does not have.
if (isBuiltin('node:sqlite')) {
  jest.unstable_mockModule('libsql', () => {
    throw new Error('libsql is not installed');
  });
  await import('./sqlite.test.js');

  test('this suite runs on node:sqlite', async () => {
    await expect(import('libsql')).rejects.toThrow('libsql is not installed');
  });
} else test.skip(`node:sqlite: Node ${process.versions.node} does not have it`, () => undefined);
