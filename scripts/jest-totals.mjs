import { writeFileSync } from 'node:fs';

/** A Jest reporter that leaves the totals in a file, for the closing line of scripts/test.mjs. */
export default class TotalsReporter {
  onRunComplete(_contexts, results) {
    const totals = {
      passed: results.numPassedTests,
      // A suite that could not run, or left a handle open, counts as one more failure.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    writeFileSync(process.env.JEST_TOTALS_FILE, JSON.stringify(totals));
  }
}
