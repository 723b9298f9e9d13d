import { describe, expect, it } from '@jest/globals';
import { problemsOf } from '../scripts/commits.mjs';

describe('the check of commit subjects', () => {
  it.each([
    'Bound shared pages by bytes',
    'Feed the window from one read',
    'Pass the clock to the store',
    'Address the store by its URL',
    'Use `useNotifications` in the demo',
  ])('accepts: %s', (subject) => {
    expect(problemsOf(subject)).toEqual([]);
  });

  it.each([
    [`Add ${'a'.repeat(69)}`, 'has 73 characters, the limit is 72'],
    ['Added a test', 'begins with "Added": use the imperative, as in "Bound shared pages by bytes"'],
    ['Adding a test', 'begins with "Adding": use the imperative, as in "Bound shared pages by bytes"'],
    ['Adds a test', 'begins with "Adds": use the imperative, as in "Bound shared pages by bytes"'],
    ['The store counts', 'begins with "The": begin with a verb'],
    ['WIP', 'begins with "WIP": begin with a verb'],
    ['feat: count', 'begins with a prefix: begin with a verb'],
    ['Redis: count', 'begins with a prefix: begin with a verb'],
    ['fix(core)!: count', 'begins with a prefix: begin with a verb'],
    ['fixup! Count', 'belongs to another commit: squash it'],
    ['count', 'begins without a capital letter'],
    ['', 'begins without a capital letter'],
    ['Count.', 'ends with a full stop'],
  ])('rejects: %s', (subject, problem) => {
    expect(problemsOf(subject)).toEqual([problem]);
  });
});
