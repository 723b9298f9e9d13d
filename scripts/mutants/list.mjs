import { ERASE_MUTANTS } from './erase.mjs';
import { HISTORY_MUTANTS } from './history.mjs';
import { INBOX_MUTANTS } from './inbox.mjs';
import { OPTION_MUTANTS } from './options.mjs';
import { OUTER_MUTANTS } from './outer.mjs';
import { PATTERN_MUTANTS } from './patterns.mjs';
import { READ_MUTANTS } from './reads.mjs';
import { RETRACT_MUTANTS } from './retract.mjs';
import { WAITER_MUTANTS } from './waiters.mjs';

/** The planted bugs. test/mutants.test.ts checks that each one fits the code. */
export const MUTANTS = [
  ...WAITER_MUTANTS,
  ...READ_MUTANTS,
  ...HISTORY_MUTANTS,
  ...OPTION_MUTANTS,
  ...PATTERN_MUTANTS,
  ...RETRACT_MUTANTS,
  ...ERASE_MUTANTS,
  ...OUTER_MUTANTS,
  ...INBOX_MUTANTS,
];
