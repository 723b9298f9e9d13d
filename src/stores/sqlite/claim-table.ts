import { type ClaimCall, type ClaimResult, CLAIMS_REMOVED_MAX } from '../shared/claims.js';
import { isLogOf } from './continuity.js';
import type { Command, Query, Reader, Writer } from './engine.js';
import type { LogState } from './log-file.js';
import { ADD_CLAIM, EXPIRED_CLAIMS, IS_CLAIMED, REMOVE_CLAIMS, UPDATE_CLAIMS } from './sql/statements.sql.js';

type Statements = Readonly<Record<'isClaimed' | 'expired', Query> & Record<'remove' | 'add' | 'update', Command>>;

/**
 * The claims in the file. The table is used under the write lock only, so its reads cannot be
 * outdated.
 */
export class ClaimTable {
  readonly #statements: Statements;

  private constructor(statements: Statements) {
    this.#statements = statements;
  }

  static async prepare(reader: Reader, writer: Writer): Promise<ClaimTable> {
    return new ClaimTable({
      isClaimed: reader.prepare(IS_CLAIMED),
      expired: reader.prepare(EXPIRED_CLAIMS),
      remove: await writer.prepare(REMOVE_CLAIMS),
      add: await writer.prepare(ADD_CLAIM),
      update: await writer.prepare(UPDATE_CLAIMS),
    });
  }

  /** Claims a key, and removes expired claims. The number is -1 if there are too many claims. */
  claim(call: ClaimCall, log: LogState, claimCount: number): ClaimResult {
    const { isClaimed, add, update } = this.#statements;
    const removed = isLogOf(log.epoch, call.epochId) ? this.#removeExpired(call) : 0;
    const held = log.claimsHeld - removed;
    const isNew = !isClaimed.get(call.key);
    const fits = held < claimCount;
    const number = log.claims + 1;
    if (isNew && fits) add(call.key, call.group, number);
    if (isNew && fits) update(number, held + 1);
    else if (removed > 0) update(log.claims, held);
    return { epochId: log.epoch.id, number: isNew ? (fits ? number : -1) : undefined, removed };
  }

  #removeExpired({ expired }: ClaimCall): number {
    if (!expired) return 0;
    const found = this.#statements.expired.get(expired.group, expired.upTo, CLAIMS_REMOVED_MAX);
    const count = (found?.count ?? 0) as number;
    if (count > 0) this.#statements.remove(expired.group, found?.upTo as number);
    return count;
  }
}
