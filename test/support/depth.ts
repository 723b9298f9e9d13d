/**
 * How much of something a test does: less every day, where everything together is to take minutes; all of it with TEST_DEPTH=all, as CI and
 * `npm run proof` have it.
 */
export function inDepth<T>(everyday: T, all: T): T {
  return process.env.TEST_DEPTH === 'all' ? all : everyday;
}
