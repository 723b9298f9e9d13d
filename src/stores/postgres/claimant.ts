import { type ClaimCall, type ClaimResult, CLAIMS_REMOVED_MAX, tooManyClaims } from '../shared/claims.js';
import type { LogAccess } from './log-access.js';
import { claimRow } from './rows.js';
import { statements } from './sql/statements.sql.js';

export interface ClaimantOptions {
  readonly access: LogAccess;
  readonly schema: string;
  readonly claimCount: number;
  /** Milliseconds that the SQL function waits for its lock. */
  readonly lockMs: number;
}

/** Runs the SQL function that claims a key. */
export class Claimant {
  readonly #options: ClaimantOptions;
  readonly #text: string;

  constructor(options: ClaimantOptions) {
    this.#options = options;
    this.#text = statements(options.schema).claim;
  }

  async write({ key, group, epochId, known, expired }: ClaimCall): Promise<ClaimResult> {
    const { access, claimCount, lockMs } = this.#options;
    const values = [
      ...[key, group, claimCount, epochId, known, expired?.group ?? null, expired?.upTo ?? null],
      ...[CLAIMS_REMOVED_MAX, lockMs],
    ];
    const result = await access.call(this.#text, values, claimRow);
    if (result.number === -1) throw tooManyClaims('postgres', claimCount);
    return result;
  }
}
