import { pause } from '../../core/pause.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import { removalEnd } from '../../core/removal-end.js';
import type { AppendPipelineOptions } from './append-pipeline.js';
import { durableCall } from './durable-call.js';

/** Limits of one call of the script. The engine serves no other client while it runs. */
export const PART = 128;
const PART_BYTES = 256 * 1024;
/**
 * The shortest pause between two calls, in milliseconds. An engine with `appendfsync always`
 * flushes after each call, and an append waits for that flush. So the pause is at least as long as
 * the last call took, up to a bound: the slower the disk, the more time it has for appends alone.
 */
export const PAUSE_MS_MIN = 5;
/**
 * The longest pause. The time of a call also contains waits for a reconnect and for replicas. They
 * say nothing about the disk.
 */
export const PAUSE_MS_MAX = 1_000;

/**
 * Removes the entries of a topic, part by part. With `wait`, each part waits for replicas, as an
 * append does. Otherwise a failover could bring removed entries back.
 */
export async function removeTopic(
  options: AppendPipelineOptions,
  { topic, upTo, epochId, needs }: RemoveQuery,
): Promise<Removed> {
  const { connection, state, keys, patterns, runtime } = options;
  let [end, expected, after, count] = [upTo, epochId, 0, 0];
  for (let isLast = false; !isLast;) {
    const startMs = runtime.clock.monotonic();
    const args = [...state.args(), topic, after, end, PART, PART_BYTES, expected];
    const call = patterns.run([topic], (indexes) => durableCall(options, [...keys, ...indexes], args));
    const { epoch, head, rest } = state.learn(await connection.settled(call));
    if (epoch.id !== expected) {
      // Nothing was removed. The next call removes the positions that the new epoch shares with the
      // old one.
      [end, expected] = [removalEnd(epoch, { epochId: expected, upTo: end, needs }), epoch.id];
      continue;
    }
    end = Math.min(end, head);
    count += Number(rest[0]);
    after = Number(rest[1]);
    isLast = Number(rest[2]) === 0;
    const tookMs = runtime.clock.monotonic() - startMs;
    if (!isLast) await pause(runtime.clock, Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, tookMs)));
  }
  return { count, upTo: end };
}
