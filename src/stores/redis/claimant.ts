import { CLAIM_GROUPS, type ClaimCall, type ClaimResult, CLAIMS_REMOVED_MAX, tooManyClaims } from '../shared/claims.js';
import type { AppendPipelineOptions } from './append-pipeline.js';
import { notAcknowledged } from './errors.js';
import { claimKeys } from './keys.js';

/** Runs the script that claims a key. With `wait` a claim waits for replicas, as an append does. */
export class Claimant {
  readonly #options: AppendPipelineOptions;
  readonly #keys: readonly string[];

  constructor(options: AppendPipelineOptions) {
    this.#options = options;
    this.#keys = [...options.keys, ...claimKeys(options.settings.prefix, CLAIM_GROUPS)];
  }

  async write(call: ClaimCall): Promise<ClaimResult> {
    const { connection, state, settings } = this.#options;
    const { epoch, rest } = state.learn(await connection.settled(this.#run(call)));
    const number = Number(rest[0]);
    if (number < 0) throw tooManyClaims('redis', settings.claimCount);
    return { epochId: epoch.id, number: number || undefined, removed: Number(rest[1]) };
  }

  async #run({ key, group, epochId, known, expired }: ClaimCall): Promise<unknown> {
    const { connection, script, state, settings } = this.#options;
    const { wait, claimCount } = settings;
    const args = [
      ...state.args(),
      ...[key, group, epochId, known, expired?.group ?? -1, expired?.upTo ?? 0, CLAIMS_REMOVED_MAX, claimCount],
    ];
    connection.assertOpen();
    if (!wait) return script.run(connection.commands, this.#keys, args);
    const { reply, acknowledged } = await script.runAndWait(connection.appends, this.#keys, args, wait);
    if (acknowledged < wait.replicas) throw notAcknowledged(wait, acknowledged);
    return reply;
  }
}
