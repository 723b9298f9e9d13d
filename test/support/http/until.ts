/** How long a test waits for what should come soon; only a defect or a machine at a standstill needs longer. */
export const WITHIN_MS = 20_000;

/** After this many turns nothing comes of itself: other processes, and timers, get the processor in between. */
const TURNS_MAX = 200;

/**
 * Lets the event loop turn until a condition holds. It costs what the condition takes; when the time is up it fails with
 * what it waited for.
 */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = WITHIN_MS): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (let turns = 0; !(await condition()); turns++) {
    if (performance.now() > deadline) {
      throw new Error(`not within ${withinMs} ms: ${condition.toString().replace(/^\(\) => /, '')}`);
    }
    if (turns < TURNS_MAX) await turn();
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** One turn of the event loop, or several. */
export async function turn(count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** The promise, or an error that says what was not there in time. */
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
