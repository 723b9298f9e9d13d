/** Runs seeds from 1 on until one fails, and prints it with what was wrong; for scripts/mutants.mjs. */
import { simulate } from './simulate.js';

const seeds = Number(process.argv[2]);

for (let seed = 1; seed <= seeds; seed++) {
  const { problems } = await simulate(seed);
  if (problems.length === 0) continue;
  process.stdout.write(JSON.stringify({ seed, problem: problems[0] }));
  break;
}
