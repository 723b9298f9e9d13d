/**
 * The mutants of one file.
 *
 * @param {string} file in src
 * @param {Record<string, Record<string, [find: string, plant: string]>>} scopes the mutants of each
 * scope by their names
 * @returns {import('./plant.mjs').Mutant[]}
 */
export function inFile(file, scopes) {
  return Object.entries(scopes).flatMap(([scope, mutants]) =>
    Object.entries(mutants).map(([name, [find, plant]]) => ({ name, file, scope, find, plant })),
  );
}
