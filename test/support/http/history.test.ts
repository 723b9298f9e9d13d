import { expect, test } from '@jest/globals';
import { type Numbered, problemsOf } from './history.js';

const PUBLISHED: Numbered[] = ['a', 'b', 'a', 'c', 'b'].map((topic, index) => ({ topic, n: index + 1 }));
const [a1, b2, a3, c4, b5] = PUBLISHED as [Numbered, Numbered, Numbered, Numbered, Numbered];

test.each<[what: string, topics: string[], received: Numbered[], problems: string[]]>([
  ['everything once and in order', ['a', 'b'], [a1, b2, a3, b5], []],
  ['nothing for a topic that nothing came for', ['d'], [], []],
  ['one missing', ['a', 'b'], [a1, a3, b5], ['b 2 never came']],
  ['all missing', ['a'], [], ['a 1 never came', 'a 3 never came']],
  ['the last missing', ['b'], [b2], ['b 5 never came']],
  ['one twice', ['a'], [a1, a3, a3], ['a 3 came twice']],
  ['one twice, later', ['a', 'b'], [a1, b2, a3, a1, b5], ['a 1 came twice']],
  ['two exchanged', ['a', 'b'], [b2, a1, a3, b5], ['a 1 came after 2']],
  ['one of another topic', ['a'], [a1, c4, a3], ['c 4 was not asked for', 'a 3 came after 4']],
  ['one that is made up', ['a'], [a1, a3, { topic: 'a', n: 9 }], ['a 9 was never published']],
  ['one under another topic', ['a'], [a1, { topic: 'a', n: 2 }, a3], ['a 2 was never published']],
])('the check of histories sees %s', (_, topics, received, problems) => {
  expect(problemsOf(PUBLISHED, { topics, received })).toEqual(problems);
});
