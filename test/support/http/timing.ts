import { performance } from 'node:perf_hooks';

/**
 * The milliseconds that a task took: its computation and its waiting. Processor time of other
 * programs does not count, so that a bound also holds on a busy machine.
 */
export async function ownMs(task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  const [loop, processor] = [performance.eventLoopUtilization(), process.cpuUsage()];
  await task();
  const { user, system } = process.cpuUsage(processor);
  const { idle } = performance.eventLoopUtilization(loop);
  return Math.min(performance.now() - started, idle + (user + system) / 1_000);
}
