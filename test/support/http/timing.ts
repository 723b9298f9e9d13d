import { performance } from 'node:perf_hooks';

/**
 * How many milliseconds something took of its own: what it computed and what it waited for. What other programs on the
 * machine took meanwhile is not counted, so that a bound holds on a busy machine too.
 */
export async function ownMs(task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  const [loop, processor] = [performance.eventLoopUtilization(), process.cpuUsage()];
  await task();
  const { user, system } = process.cpuUsage(processor);
  const { idle } = performance.eventLoopUtilization(loop);
  return Math.min(performance.now() - started, idle + (user + system) / 1_000);
}
