/**
 * Chooses the size of a test. `npm test` uses the small size. TEST_DEPTH=all, which `npm run proof`
 * sets, uses the full size.
 */
export function inDepth<T>(everyday: T, all: T): T {
  return process.env.TEST_DEPTH === 'all' ? all : everyday;
}
