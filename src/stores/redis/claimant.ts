import { CLAIM_GROUPS, type ClaimCall, type ClaimResult, CLAIMS_REMOVED_MAX, tooManyClaims } from '../shared/claims.js';
import type { AppendPipelineOptions } from './append-pipeline.js';
import { durableCall } from './durable-call.js';
import { claimKeys } from './keys.js';

/** Runs the script that claims a key. With `wait` a claim waits for replicas, as an append does. */
export class Claimant {
  readonly #options: AppendPipelineOptions;
  readonly #keys: readonly string[];

  constructor(options: AppendPipelineOptions) {
    this.#options = options;
    this.#keys = [...options.keys, ...claimKeys(options.settings.prefix, CLAIM_GROUPS)];
  }

  async write({ key, group, epochId, known, expired }: ClaimCall): Promise<ClaimResult> {
    const { connection, state, settings } = this.#options;
    const args = [
      ...state.args(),
      ...[key, group, epochId, known, expired?.group ?? -1, expired?.upTo ?? 0],
      ...[CLAIMS_REMOVED_MAX, settings.claimCount],
    ];
    const reply = await connection.settled(durableCall(this.#options, this.#keys, args));
    const { epoch, rest } = state.learn(reply);
    const number = Number(rest[0]);
    if (number < 0) throw tooManyClaims('redis', settings.claimCount);
    return { epochId: epoch.id, number: number || undefined, removed: Number(rest[1]) };
  }
}
