import { expect, test } from '@jest/globals';
import { decisionOf, type DecidingRules } from '../../src/nest/access/access-decision.js';

const BUG = new TypeError('the rule has a bug');

/** The errors that a decision reports. */
async function errorsOf(rules: Partial<DecidingRules>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const decision = await decisionOf({
    topic: 'orders',
    hasRead: true,
    hasTopics: false,
    hasRequest: false,
    contextFor: () => ({ subscriber: 'ann', request: undefined }),
    read: () => ['orders'],
    topics: () => [],
    onError: (error) => errors.push(error),
    ...rules,
  });
  expect(decision.allowed).toBe(errors.length > 0 || rules.read ? 'unknown' : 'yes');
  return errors;
}

const readsRequest = ({ request }: { readonly request: unknown }): string[] => {
  if (request === undefined) throw BUG;
  return [];
};

test('an explanation reports the error of a failed rule', async () => {
  expect(await errorsOf({})).toEqual([]);
  expect(await errorsOf({ read: () => Promise.reject(BUG) })).toEqual([BUG]);
  expect(await errorsOf({ contextFor: () => Promise.reject(BUG) })).toEqual([BUG]);
  expect(await errorsOf({ hasRequest: true, read: readsRequest })).toEqual([BUG]);
});

test('an explanation reports no error of a rule that needs a request', async () => {
  expect(await errorsOf({ read: readsRequest })).toEqual([]);
});
