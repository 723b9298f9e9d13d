/**
 * Runs seeds from 1 until one fails, and prints that seed and its problem; for scripts/mutants.mjs.
 */
import { simulate } from './simulate.js';

const seeds = Number(process.argv[2]);
let seed = 1;

/** An uncaught error would end a node's process, so it also ends this run. */
process.on('uncaughtException', (error) => {
  tell(`uncaught: ${error.message}`);
  process.exit();
});

for (; seed <= seeds; seed++) {
  const [problem] = (await simulate(seed)).problems;
  if (problem === undefined) continue;
  tell(problem);
  break;
}

function tell(problem: string): void {
  process.stdout.write(JSON.stringify({ seed, problem }));
}
