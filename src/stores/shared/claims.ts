import { CLAIM_TTL_MS_MAX, checkClaim } from '../../core/abilities.js';
import type { Clock } from '../../core/clock.js';
import { unavailable } from './unavailable.js';

/**
 * Claims of a driver. An engine numbers claims in their order. The time to live of a claim, rounded
 * up, selects its group. In a group, claims expire by number. Example: a node received number 7 of
 * a group, and the group's time has passed since. Then claims up to 7 of that group have expired.
 * Ages use only the node's monotonic clock, so a wall clock that jumps does not end a claim early.
 * Later claims remove the expired ones, in batches.
 */

/**
 * The groups are 2, 8, 32, 128, 512 and 2,048 minutes. A search reads few groups, and a claim stays
 * at most 4 times as long as it should.
 */
const GROUP_MS_MIN = 120_000;
const GROUP_FACTOR = 4;
export const CLAIM_GROUPS = groupOf(CLAIM_TTL_MS_MAX) + 1;

/** Bounds the claims that one call removes, so that other callers do not wait long. */
export const CLAIMS_REMOVED_MAX = 500;

/**
 * Concurrent claims of one node. Each takes less than 1 KiB, so an engine that hangs costs 1 MiB.
 */
const CLAIMS_PENDING_MAX = 1_000;

/**
 * Ages that a node remembers per group. A node may detect the expiry of a claim late, by up to 1/8
 * of the group's time.
 */
const SAMPLES = 8;

/** Claims of a group up to a number have expired. */
export interface ExpiredClaims {
  readonly group: number;
  readonly upTo: number;
}

/** One claim, and the removal that an engine does in the same step. */
export interface ClaimCall {
  readonly key: string;
  readonly group: number;
  /** The epoch of `known` and `expired`; empty before the first claim of this node. */
  readonly epochId: string;
  /** The highest number that this node has received. An engine with a lower one has lost claims. */
  readonly known: number;
  /**
   * The engine first removes these claims, at most `CLAIMS_REMOVED_MAX` of them. It skips this if
   * the epoch has changed.
   */
  readonly expired: ExpiredClaims | undefined;
}

/** The result of one claim. */
export interface ClaimResult {
  readonly epochId: string;
  /** The number of the claim; undefined if the key was claimed before. */
  readonly number: number | undefined;
  /** The number of expired claims that were removed. */
  readonly removed: number;
}

export interface ClaimsOptions {
  /** For error messages. */
  readonly engine: string;
  readonly clock: Clock;
  readonly write: (call: ClaimCall) => Promise<ClaimResult>;
}

/** The claims of one node. The option `write` sends a claim to the engine. */
export class Claims {
  readonly #options: ClaimsOptions;
  #pending = 0;
  #epochId = '';
  #known = 0;
  #ages = new ClaimAges();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  async claim(key: string, ttlMs: number): Promise<boolean> {
    checkClaim(key, ttlMs);
    const { engine, clock, write } = this.#options;
    if (this.#pending >= CLAIMS_PENDING_MAX) {
      throw unavailable(`The ${engine} store is behind: ${this.#pending} claims are pending on this node.`);
    }
    const [group, epochId, ages] = [groupOf(ttlMs), this.#epochId, this.#ages];
    const expired = ages.takeExpired(clock.monotonic());
    this.#pending++;
    try {
      const result = await write({ key, group, epochId, known: this.#known, expired });
      if (expired && result.removed >= CLAIMS_REMOVED_MAX) ages.putBack(expired);
      this.#learn(result, group);
      return result.number !== undefined;
    } catch (error) {
      if (expired) ages.putBack(expired);
      throw error;
    } finally {
      this.#pending--;
    }
  }

  #learn({ epochId, number }: ClaimResult, group: number): void {
    if (epochId !== this.#epochId) {
      this.#epochId = epochId;
      this.#known = 0;
      this.#ages = new ClaimAges();
    }
    if (number === undefined) return;
    this.#known = Math.max(this.#known, number);
    this.#ages.add(group, { number, atMs: this.#options.clock.monotonic() });
  }
}

/** The error of a store that has reached its number of claims. */
export function tooManyClaims(engine: string, claimCount: number): Error {
  return unavailable(`The ${engine} store holds ${claimCount} claims, as many as claimCount allows.`);
}

interface Sample {
  readonly number: number;
  readonly atMs: number;
}

/** The times at which this node received some numbers of each group. */
class ClaimAges {
  readonly #samples = new Map<number, Sample[]>();
  readonly #expired = new Map<number, number>();

  add(group: number, sample: Sample): void {
    let samples = this.#samples.get(group);
    if (!samples) this.#samples.set(group, (samples = []));
    const last = samples.at(-1);
    if (!last || sample.atMs - last.atMs >= groupMs(group) / SAMPLES) samples.push(sample);
  }

  takeExpired(nowMs: number): ExpiredClaims | undefined {
    for (const [group, samples] of this.#samples) {
      const fresh = samples.findIndex(({ atMs }) => nowMs - atMs < groupMs(group));
      const old = samples.splice(0, fresh < 0 ? samples.length : fresh).at(-1);
      if (old) this.putBack({ group, upTo: old.number });
    }
    const [next] = this.#expired;
    if (!next) return undefined;
    const [group, upTo] = next;
    this.#expired.delete(group);
    return { group, upTo };
  }

  /** Keeps expired claims for another call, after a failure or if more are left. */
  putBack({ group, upTo }: ExpiredClaims): void {
    this.#expired.set(group, Math.max(upTo, this.#expired.get(group) ?? 0));
  }
}

function groupOf(ttlMs: number): number {
  let group = 0;
  while (groupMs(group) < ttlMs) group++;
  return group;
}

function groupMs(group: number): number {
  return GROUP_MS_MIN * GROUP_FACTOR ** group;
}
