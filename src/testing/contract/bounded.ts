import { abilitiesOf, type StoreAbilities } from '../../core/abilities.js';
import { systemClock } from '../../core/clock.js';
import type { Store } from '../../core/store.js';
import { within } from '../../core/within.js';

/** How long the contract waits where a driver's test does not say. */
export const TIMEOUT_MS = 10_000;

/** Waits for a promise, for a limited time. The error describes the missing condition. */
export function settledWithin<T>(timeoutMs: number, describe: () => string, promise: Promise<T>): Promise<T> {
  const late = (): Error => new Error(`${describe()}, waited ${timeoutMs} ms`);
  return within(promise, { clock: systemClock, timeoutMs, late });
}

/**
 * The same store; a call that does not settle rejects with its name, and closing twice is closing
 * once.
 */
export function bounded(store: Store, timeoutMs = TIMEOUT_MS): Store & Partial<StoreAbilities> {
  const settled = <T>(call: string, promise: Promise<T>): Promise<T> =>
    settledWithin(timeoutMs, () => `${call} did not settle`, promise);
  let closed: Promise<void> | undefined;
  const { claim, positionsOf } = abilitiesOf(store);
  return {
    ...(claim && { claim: (key: string, ttlMs: number) => settled('claim', claim(key, ttlMs)) }),
    ...(positionsOf && { positionsOf: (ids: readonly string[]) => settled('positionsOf', positionsOf(ids)) }),
    append: (drafts) => settled('append', store.append(drafts)),
    read: (query) => settled('read', store.read(query)),
    tail: async (after, onAppended) => {
      const tail = await settled('tail', store.tail(after, onAppended));
      return { close: () => settled('close of a tail', tail.close()) };
    },
    close: () => (closed ??= settled('close', store.close())),
  };
}
