import { abilitiesOf, type StoreAbilities } from '../../core/abilities.js';
import { systemClock } from '../../core/clock.js';
import type { Store } from '../../core/store.js';
import { within } from '../../core/within.js';

/** The default of the option `timeoutMs`. */
export const TIMEOUT_MS = 10_000;

/** Waits for a promise, for a limited time. The error describes the missing condition. */
export function settledWithin<T>(timeoutMs: number, describe: () => string, promise: Promise<T>): Promise<T> {
  const late = (): Error => new Error(`${describe()}, waited ${timeoutMs} ms`);
  return within(promise, { clock: systemClock, timeoutMs, late });
}

/**
 * Wraps a store. A call that does not settle rejects with an error that names the call. A second
 * `close` has no effect.
 */
export function bounded(store: Store, timeoutMs = TIMEOUT_MS): Store & Partial<StoreAbilities> {
  const settled = <T>(call: string, promise: Promise<T>): Promise<T> =>
    settledWithin(timeoutMs, () => `${call} did not settle`, promise);
  let closed: Promise<void> | undefined;
  const { claim, positionsOf, indexPatterns } = abilitiesOf(store);
  return {
    ...(claim && { claim: (key: string, ttlMs: number) => settled('claim', claim(key, ttlMs)) }),
    ...(positionsOf && { positionsOf: (ids: readonly string[]) => settled('positionsOf', positionsOf(ids)) }),
    ...(indexPatterns && {
      indexPatterns: (patterns: readonly string[]) => settled('indexPatterns', indexPatterns(patterns)),
    }),
    append: (drafts) => settled('append', store.append(drafts)),
    read: (query) => settled('read', store.read(query)),
    tail: async (after, onAppended) => {
      const tail = await settled('tail', store.tail(after, onAppended));
      return { close: () => settled('close of a tail', tail.close()) };
    },
    remove: (query) => settled('remove', store.remove(query)),
    close: () => (closed ??= settled('close', store.close())),
  };
}
