import { runInThisContext } from 'node:vm';

type Task = () => unknown;

const tasks = new Set<Task>();

/**
 * Registers a task to run after the test. Tasks run in reverse order. A task that is added again
 * moves to the end. The returned function removes the task.
 */
export function atTestEnd(task: Task): () => void {
  tasks.delete(task);
  tasks.add(task);
  return () => tasks.delete(task);
}

/** Runs all registered tasks, and rejects with the first error. */
export async function endTest(): Promise<void> {
  const errors: unknown[] = [];
  for (let task = [...tasks].at(-1); task; task = [...tasks].at(-1)) {
    tasks.delete(task);
    try {
      await task();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** Jest gives tests a copy of `process` that gets no events; this is the real one. */
const realProcess = runInThisContext('process') as NodeJS.Process;
const warnings: string[] = [];

/**
 * Collects the process's warnings (too many listeners, deprecations); Jest itself fails tests with
 * unhandled rejections.
 */
export function watchWarnings(): void {
  realProcess.on('warning', onWarning);
}

/** The warnings since the last call. */
export function takeWarnings(): string[] {
  return warnings.splice(0);
}

export function unwatchWarnings(): void {
  realProcess.off('warning', onWarning);
}

function onWarning(warning: Error): void {
  // Ignores Jest's own warning about ES modules.
  if (warning.name === 'ExperimentalWarning') return;
  warnings.push(`${warning.name}: ${warning.message}`);
}
