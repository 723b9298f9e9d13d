/** Runs seeds from 1 on until one fails, and prints it with what was wrong; for scripts/mutants.mjs. */
import { simulate } from './simulate.js';

const seeds = Number(process.argv[2]);
let seed = 1;

/** Errors that nobody catches end a node's process as they end this one. */
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
