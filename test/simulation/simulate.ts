import { createHash } from 'node:crypto';
import { Random } from '../support/http/random.js';
import type { Counters } from './counters.js';
import { script, type Step, take } from './steps.js';
import { World } from './world.js';

/*
 * The library, run through whatever may happen to it, on one clock and by chance that a seed determines.
 *
 * A world (world.ts) has three nodes: processes (node.ts) with the real feed, cursors and encoders, each on a clock that ends with it. They
 * share an engine (engine.ts), a model of Redis and its like, over drivers (driver.ts) with the real tail hub; one seed in four has a single
 * node on the real memory store instead (memory.ts). Clients (client.ts) poll and stream over wires that delay, and lose what is on them
 * when they are cut. A script of steps (steps.ts) says what happens to all of them: publishes, requests, clients that leave, stall, move or
 * go back to an old cursor, faults that end by themselves, crashes, drains, revocations. Everything that a client is told is written down
 * and held against the truth of the engine by the checker of histories; in quiet times it also has to come at once.
 *
 * Steps do not depend on each other: each has chances of its own. So a script that fails can be shortened by leaving steps out.
 */

/** Enough for a few situations to meet; more seeds find more than longer runs do. */
const STEPS_PER_RUN = 60;
/** How many runs the shortening of a script may take. */
const SHORTENING_RUNS_MAX = 600;

export interface Outcome {
  readonly problems: readonly string[];
  readonly counters: Counters;
  readonly trace: readonly string[];
}

/** The script of a seed, run. */
export function simulate(seed: number, isTraced = false): Promise<Outcome> {
  return run(seed, scriptOf(seed), isTraced);
}

/** A failing seed's script without the steps that it fails without, too, and how it fails then. */
export async function shortened(seed: number): Promise<string> {
  let steps = scriptOf(seed);
  let last = await run(seed, steps, true);
  let runs = 0;
  // Halves, quarters and so on, then single ones again until none can go.
  for (let size = steps.length >> 1, before = -1; size > 1 || before !== steps.length; size = Math.max(1, size >> 1)) {
    before = steps.length;
    for (let at = 0; at < steps.length;) {
      if (++runs > SHORTENING_RUNS_MAX) break;
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)];
      const outcome = await run(seed, fewer, true);
      if (outcome.problems.length === 0) at += size;
      else [steps, last] = [fewer, outcome];
    }
  }
  const problems = last.problems.map((problem) => `  ${problem}`);
  return [`seed ${seed}, shortened to ${steps.length} steps:`, ...last.trace, 'what is wrong:', ...problems].join('\n');
}

async function run(seed: number, steps: readonly Step[], isTraced: boolean): Promise<Outcome> {
  return withPromptHashes(async () => {
    const world = await World.open(seed, isTraced);
    try {
      for (const step of steps) {
        world.trace(() => `- ${step[0]}`);
        await take(world, step);
      }
      const problems = await world.finish();
      return { problems, counters: world.counters, trace: world.traced };
    } catch (error) {
      const problems = [...world.failures, error instanceof Error ? (error.stack ?? error.message) : String(error)];
      return { problems, counters: world.counters, trace: world.traced };
    }
  });
}

function scriptOf(seed: number): Step[] {
  return script(new Random(seed), STEPS_PER_RUN);
}

/** Revocations are filed by a hash that is computed on another thread, in time that is not the simulation's. */
async function withPromptHashes<T>(task: () => Promise<T>): Promise<T> {
  const { subtle } = globalThis.crypto;
  const digest = async (_: unknown, data: Uint8Array): Promise<ArrayBuffer> => {
    return new Uint8Array(createHash('sha256').update(data).digest()).buffer;
  };
  const { stackTraceLimit } = Error;
  // Refusals are many, and nobody looks where they come from.
  Error.stackTraceLimit = 0;
  Object.defineProperty(subtle, 'digest', { value: digest, configurable: true });
  try {
    return await task();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    delete (subtle as { digest?: unknown }).digest;
  }
}
