/**
 * How much of something a test does: less in `npm test`, which takes minutes, and all of it with
 * TEST_DEPTH=all, which `npm run proof` sets.
 */
export function inDepth<T>(everyday: T, all: T): T {
  return process.env.TEST_DEPTH === 'all' ? all : everyday;
}
