import { CLAIM_TTL_MS_MAX, checkClaim } from '../../core/abilities.js';
import type { Clock } from '../../core/clock.js';
import { unavailable } from './unavailable.js';

/**
 * How a driver keeps claims. An engine numbers claims in their order, and files each under a group, which is its time to
 * live rounded up. A claim expires by number: if this node received number 7 of a group longer ago than the group's time,
 * all claims of that group up to 7 have expired. Ages are measured on the node's monotonic clock alone, so no wall clock
 * that jumps, of a node or of the engine, ends a claim early. Expired claims are removed with later claims, in batches.
 */

/** Groups are 2, 8, 32, 128, 512 and 2,048 minutes: few to search through, and a claim takes room at most 4 times as long. */
const GROUP_MS_MIN = 120_000;
const GROUP_FACTOR = 4;
export const CLAIM_GROUPS = groupOf(CLAIM_TTL_MS_MAX) + 1;

/** Claims that one call removes at most, so that no other caller waits long. */
export const CLAIMS_REMOVED_MAX = 500;

/** Claims that one node has under way. Each takes below 1 KiB; more are rejected, so that an engine that hangs costs no memory. */
const CLAIMS_PENDING_MAX = 1_000;

/** Ages that are remembered per group: expired claims stay at most this part of the group's time longer. */
const SAMPLES = 8;

/** Claims of a group up to a number have expired. */
export interface ExpiredClaims {
  readonly group: number;
  readonly upTo: number;
}

/** One claim, and the work that an engine does with it in one step. */
export interface ClaimCall {
  readonly key: string;
  readonly group: number;
  /** The epoch that `known` and `expired` belong to; empty when this node has claimed nothing yet. */
  readonly epochId: string;
  /** The highest number that this node has received. An engine that numbers lower has lost claims: it changes the epoch. */
  readonly known: number;
  /** To be removed first, at most `CLAIMS_REMOVED_MAX`, if the epoch is still the same. */
  readonly expired: ExpiredClaims | undefined;
}

/** The result of one claim. */
export interface ClaimResult {
  readonly epochId: string;
  /** The claim's number; undefined when the key was claimed before. */
  readonly number: number | undefined;
  /** How many expired claims were removed. */
  readonly removed: number;
}

export interface ClaimsOptions {
  /** For messages. */
  readonly engine: string;
  readonly clock: Clock;
  readonly write: (call: ClaimCall) => Promise<ClaimResult>;
}

/** The claims of one node; `write` is the engine's part. */
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
      throw unavailable(`The ${engine} store is behind: ${this.#pending} claims are under way on this node.`);
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

/** The error of a store that holds as many claims as it may. */
export function tooManyClaims(engine: string, claimCount: number): Error {
  return unavailable(`The ${engine} store holds ${claimCount} claims, as many as claimCount allows.`);
}

interface Sample {
  readonly number: number;
  readonly atMs: number;
}

/** When this node received some of the numbers of each group. */
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

  /** For another call: there is more to remove, or it failed. */
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
