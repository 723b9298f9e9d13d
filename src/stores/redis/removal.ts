import { sharedUpTo } from '../../core/page.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import type { AppendPipelineOptions } from './append-pipeline.js';
import { durableCall } from './durable-call.js';

/** Limits of one call of the script. The engine serves no other client while it runs. */
const PART = 128;
const PART_BYTES = 256 * 1024;

/**
 * Removes the entries of a topic, part by part. With `wait`, each part waits for replicas, as an
 * append does. Otherwise a failover could bring removed entries back.
 */
export async function removeTopic(
  options: AppendPipelineOptions,
  { topic, upTo, epochId }: RemoveQuery,
): Promise<Removed> {
  const { connection, state, keys, patterns } = options;
  let [end, expected, after, count] = [upTo, epochId, 0, 0];
  for (let isLast = false; !isLast;) {
    const args = [...state.args(), topic, after, end, PART, PART_BYTES, expected];
    const call = patterns.run([topic], (indexes) => durableCall(options, [...keys, ...indexes], args));
    const { epoch, head, rest } = state.learn(await connection.settled(call));
    if (epoch.id !== expected) {
      // Nothing was removed. The next call removes the positions that the new epoch shares with the
      // old one.
      [end, expected] = [sharedUpTo(epoch, { epochId: expected, upTo: end }), epoch.id];
      continue;
    }
    end = Math.min(end, head);
    count += Number(rest[0]);
    after = Number(rest[1]);
    isLast = Number(rest[2]) === 0;
  }
  return { count, upTo: end };
}
