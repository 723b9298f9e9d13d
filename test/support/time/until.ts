import { pause } from './pause.js';

/**
 * The default time limit of a test. Only a defect, or a machine without a free core, needs longer.
 */
export const WITHIN_MS = 20_000;

/**
 * After this many turns, the condition probably depends on a timer or another process. These need
 * the processor.
 */
const TURNS_MAX = 200;
/** The pause between two checks after those turns. */
const CHECK_MS = 1;
/** The pause for an asynchronous condition, which asks another process. */
const ASK_MS = 5;

/**
 * Waits until a condition holds, and fails with the condition's text if that takes too long.
 *
 * @param everyMs pause between two checks. By default, `until` first runs turns of the event loop,
 * and then pauses briefly between checks.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs = WITHIN_MS,
  everyMs?: number,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (let turns = 0; ; turns++) {
    const result = condition();
    if (await result) return;
    if (performance.now() > deadline) {
      throw new Error(`not within ${withinMs} ms: ${condition.toString().replace(/^\(\) => /, '')}`);
    }
    const isHere = typeof result === 'boolean';
    if (everyMs === undefined && isHere && turns < TURNS_MAX) await turn();
    else await pause(everyMs ?? (isHere ? CHECK_MS : ASK_MS));
  }
}

/** One turn of the event loop, or several. */
export async function turn(count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves as the promise does, or rejects with an error that names what is late. */
export async function within<T>(promise: Promise<T>, what: string, withinMs = WITHIN_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not within ${withinMs} ms: ${what}`));
    }, withinMs);
  });
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
  });
}
