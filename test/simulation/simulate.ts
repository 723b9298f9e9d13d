import { createHash } from 'node:crypto';
import { Random } from '../support/random.js';
import type { Counters } from './counters.js';
import { script, type Step, take } from './steps.js';
import { World } from './world.js';

/*
 * Runs the library under faults, on one clock, with random choices that a seed determines.
 *
 * - A world (world.ts) has three nodes. Each node is a process (node.ts) with the real feed,
 *   cursors and encoders, and a clock that ends with it.
 * - The nodes share an engine (engine.ts), a model of engines such as Redis. They use it through
 *   drivers (driver.ts) with the real tail hub. One seed in four has a single node on the real
 *   memory store instead (memory.ts).
 * - Clients (client.ts) poll and stream over connections with delays. A cut drops messages in
 *   flight.
 * - A script of steps (steps.ts) publishes, sends requests, and disconnects, stalls or moves
 *   clients. Faults end by themselves. Nodes and the engine crash, drain, fail over, and are
 *   restored from snapshots.
 * - Each client records every answer. The checker compares these records with the log of the
 *   engine. In quiet times, answers must also be prompt.
 *
 * Steps do not depend on each other, because each has its own random numbers. So a failing script
 * can be shortened by omitting steps.
 */

/** Enough for a few situations to coincide. More seeds find more than longer runs. */
const STEPS_PER_RUN = 60;
/** The maximum number of runs to shorten a script. */
const SHORTENING_RUNS_MAX = 600;

export interface Outcome {
  readonly problems: readonly string[];
  readonly counters: Counters;
  readonly trace: readonly string[];
}

/** Runs the script of a seed. */
export function simulate(seed: number, isTraced = false): Promise<Outcome> {
  return run(seed, scriptOf(seed), isTraced);
}

/** The minimised script of a failing seed, and its problems. */
export async function shortened(seed: number): Promise<string> {
  let steps = scriptOf(seed);
  let last = await run(seed, steps, true);
  let runs = 0;
  // Tries to omit halves, quarters and so on. Then tries single steps until no step can be omitted.
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
  return repeatably(seed, async () => {
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

/**
 * The library's jitter uses `Math.random`. Revocations use a hash that another thread computes, in
 * real time. Here the seed determines the jitter, and the hash is computed at once.
 */
async function repeatably<T>(seed: number, task: () => Promise<T>): Promise<T> {
  const { subtle } = globalThis.crypto;
  const jitter = new Random(seed);
  const { random } = Math;
  const digest = async (_: unknown, data: Uint8Array): Promise<ArrayBuffer> => {
    return new Uint8Array(createHash('sha256').update(data).digest()).buffer;
  };
  const { stackTraceLimit } = Error;
  // The runs reject many calls, and nothing reads the stack traces.
  Error.stackTraceLimit = 0;
  Math.random = () => jitter.next();
  Object.defineProperty(subtle, 'digest', { value: digest, configurable: true });
  try {
    return await task();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Math.random = random;
    delete (subtle as { digest?: unknown }).digest;
  }
}
