import { readdirSync, readFileSync } from 'node:fs';

/** The time limit for a process to stop. Every scheduler needs less. */
const STOP_MS_MAX = 5_000;

/** Stopped, or ended: proc(5). */
const STOPPED = new Set(['T', 'Z', 'X']);

/**
 * Stops a process by SIGSTOP, and returns when it has stopped. The signal alone is not enough:
 * until the scheduler handles it, running threads continue and answer requests. Without /proc it
 * returns at once.
 */
export function freezeProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGSTOP');
  } catch {
    // The process has already ended.
    return;
  }
  const endMs = performance.now() + STOP_MS_MAX;
  while (!statesOf(pid).every((state) => STOPPED.has(state))) {
    if (performance.now() > endMs) throw new Error(`process ${pid} has not stopped within ${STOP_MS_MAX} ms`);
  }
}

/**
 * The states of the threads of a process. Empty without /proc, or after the process has ended.
 */
function statesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
      // The name of the program is in parentheses and may contain any character.
      return stat.charAt(stat.lastIndexOf(')') + 2);
    });
  } catch {
    return [];
  }
}
