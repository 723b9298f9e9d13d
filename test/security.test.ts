import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../SECURITY.md', import.meta.url), 'utf8');
const claims = [...text.matchAll(/^\| (.+?) +\| `([\w/.-]+\.test\.ts)` › `(.+?)` +\|$/gm)];

describe('SECURITY.md', () => {
  test('has claims', () => {
    expect(claims.length).toBeGreaterThan(15);
  });

  test.each(claims.map(([, claim, file, name]) => [claim!, file!, name!]))('%s: %s › %s', (_, file, name) => {
    const tests = readFileSync(new URL(file, import.meta.url), 'utf8');
    // A name that occurs twice would still be found when one of its tests is gone.
    expect(tests.split(name)).toHaveLength(2);
  });
});
