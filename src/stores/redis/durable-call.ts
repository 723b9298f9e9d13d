import type { AppendPipelineOptions } from './append-pipeline.js';
import { notAcknowledged } from './errors.js';

/** Runs a script that writes. With `wait` it resolves when enough replicas have the write. */
export async function durableCall(
  { connection, script, settings }: AppendPipelineOptions,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  const { wait } = settings;
  connection.assertOpen();
  if (!wait) return script.run(connection.commands, keys, args);
  const { reply, acknowledged } = await script.runAndWait(connection.appends, keys, args, wait);
  if (acknowledged < wait.replicas) throw notAcknowledged(wait, acknowledged);
  return reply;
}
