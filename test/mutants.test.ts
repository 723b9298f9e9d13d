import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { MUTANTS } from '../scripts/mutants/list.mjs';
import { planted } from '../scripts/mutants/plant.mjs';

const CODE = `
class Waiters {
  #queue = new Set();
  /** Adds one. */
  add(waiter, isNew) {
    if (isNew) this.#queue.add(waiter);
    else log('known', waiter);
    return this.#queue.size;
  }
  clear() { this.#queue.clear(); return this.#queue.size; }
}
function first(list) {
  count(list);
  return list.at(0) ?? list.at(1);
}
`;

function plant(scope: string, find: string, replacement: string, text = CODE): string {
  return planted({ name: 'a bug', file: 'core/waiters.ts', scope, find, plant: replacement }, text);
}

describe('the mutants of scripts/mutants/', () => {
  it.each(MUTANTS)('fits the code: $name', (mutant) => {
    const text = readFileSync(`src/${mutant.file}`, 'utf8');
    expect(planted(mutant, text)).not.toBe(text);
  });

  it('have different names', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });
});

describe('the planting of a mutant', () => {
  it('replaces an expression in the named method only', () => {
    expect(plant('Waiters.clear', 'this.$queue.size', '-1')).toBe(
      CODE.replace('clear(); return this.#queue.size', 'clear(); return -1'),
    );
  });

  it('reuses what its wildcards match, statements included', () => {
    expect(plant('Waiters.add', 'if ($isNew) $add; else $log;', 'if (!$isNew) $add')).toContain(
      'if (!isNew) this.#queue.add(waiter);\n    return',
    );
  });

  it('replaces statements in a row', () => {
    expect(plant('first', 'count($list); return $result;', 'return $list;')).toContain('{\n  return list;\n}');
  });

  it.each([
    ['a variable is renamed', CODE.replaceAll('list', 'all')],
    [
      'the code is formatted in another way',
      CODE.replace('list.at(0) ?? list.at(1)', 'list .at(0)\n ?? // older\n list.at(1)'),
    ],
  ])('still fits when %s', (_, text) => {
    expect(plant('first', '$list.at(0) ?? $list.at(1)', '$list.at(0)', text)).toMatch(/return (list\s?|all)\.at\(0\);/);
  });

  it.each([
    ['the pattern is not found', 'first', '$list.at(2)', '', 'has 0 of: $list.at(2)'],
    ['the pattern is found twice', 'first', '$list.at($index)', '', 'has 2 of: $list.at($index)'],
    ['one wildcard matches different code', 'first', '$x.at($x)', '', 'has 0 of'],
    ['the method does not exist', 'Waiters.drop', '$a', '', 'has 0 of Waiters.drop'],
    ['the result cannot be parsed', 'first', '$list.at(0)', 'if (', 'a syntax error'],
    [
      'the result uses a private name that does not exist',
      'Waiters.clear',
      'this.$queue.size',
      'this.#count',
      '#count',
    ],
    ['the pattern cannot be parsed', 'first', '$list.at(', '', 'the pattern cannot be parsed'],
  ])('fails when %s', (_, scope, find, replacement, message) => {
    expect(() => plant(scope, find, replacement)).toThrow(message);
  });
});
