import type { ClaimStore, IdLookup, PatternIndex, Store } from './store.js';

/** The abilities that a store may have besides the methods of `Store`. */
export type StoreAbilities = ClaimStore & IdLookup & PatternIndex;

/** The name of an ability is the name of its method. */
export type StoreAbility = keyof StoreAbilities;

const ABILITIES: Readonly<Record<StoreAbility, true>> = {
  claim: true,
  positionsOf: true,
  indexPatterns: true,
};

/** The longest time for which a key can be claimed: 24 hours, the longest lifetime of a ticket. */
export const CLAIM_TTL_MS_MAX = 24 * 3_600_000;
const CLAIM_KEY = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Returns the abilities of a store, as functions bound to it. Abilities that the store lacks are
 * absent. This is the only code that detects abilities. A store that wraps another one copies them:
 * `{ ...abilitiesOf(store), append, read, tail, remove, close }`.
 */
export function abilitiesOf(store: Store & Partial<StoreAbilities>): Partial<StoreAbilities> {
  const names = (Object.keys(ABILITIES) as StoreAbility[]).filter((name) => typeof store[name] === 'function');
  return Object.fromEntries(names.map((name) => [name, store[name]?.bind(store)]));
}

/**
 * Checks the arguments of `claim`, for drivers.
 * @throws RangeError that names the argument and its allowed values
 */
export function checkClaim(key: string, ttlMs: number): void {
  if (typeof key !== 'string' || !CLAIM_KEY.test(key)) {
    throw new RangeError(`key is ${JSON.stringify(key)}; it must have 1 to 64 characters: letters, digits, - and _`);
  }
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > CLAIM_TTL_MS_MAX) {
    throw new RangeError(`ttlMs is ${ttlMs}; it must be a whole number from 1 to ${CLAIM_TTL_MS_MAX}`);
  }
}
