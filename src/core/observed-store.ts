import { abilitiesOf, type StoreAbilities } from './abilities.js';
import type { Clock } from './clock.js';
import type { Draft } from './notification.js';
import type { StoreCall } from './observer.js';
import type { Observers } from './observers.js';
import type { LogPosition } from './page.js';
import type { AppendResult, HistoryQuery, ReadQuery, ReadResult, Store, Tail, TailBatch } from './store.js';
import type { Removed, RemoveQuery } from './removal.js';

/**
 * Wraps a store and reports its calls to the observers. Without an observer it adds nothing to a
 * call.
 */
export function observedStore(store: Store, observers: Observers, clock: Clock): Store & Partial<StoreAbilities> {
  const calls = new Calls(observers, clock);
  const { claim, positionsOf, indexPatterns } = abilitiesOf(store);
  return {
    append: (drafts: readonly Draft[]): Promise<AppendResult> => {
      const appending = calls.run('append', () => store.append(drafts), endOfAppend);
      return observers.observes('appended')
        ? appending.then((result) => reported(drafts, result, observers))
        : appending;
    },
    read: (query: ReadQuery | HistoryQuery): Promise<ReadResult> =>
      calls.run('read', () => store.read(query), endOfRead),
    tail: (after: number, onAppended: (batch: TailBatch) => void): Promise<Tail> => store.tail(after, onAppended),
    remove: (query: RemoveQuery): Promise<Removed> => calls.run('remove', () => store.remove(query)),
    close: (): Promise<void> => store.close(),
    ...(claim && { claim: (key: string, ttlMs: number) => calls.run('claim', () => claim(key, ttlMs)) }),
    ...(positionsOf && { positionsOf: (ids: readonly string[]) => calls.run('lookup', () => positionsOf(ids)) }),
    ...(indexPatterns && { indexPatterns }),
  };
}

class Calls {
  readonly #observers: Observers;
  readonly #clock: Clock;

  constructor(observers: Observers, clock: Clock) {
    this.#observers = observers;
    this.#clock = clock;
  }

  run<T>(
    operation: StoreCall['operation'],
    call: () => Promise<T>,
    endOf?: (result: T) => LogPosition | undefined,
  ): Promise<T> {
    return this.#observers.observes('stored') ? this.#measured(operation, call, endOf) : call();
  }

  async #measured<T>(
    operation: StoreCall['operation'],
    call: () => Promise<T>,
    endOf: ((result: T) => LogPosition | undefined) | undefined,
  ): Promise<T> {
    const startedAtMs = this.#clock.monotonic();
    const durationMs = (): number => this.#clock.monotonic() - startedAtMs;
    try {
      const result = await call();
      this.#observers.stored({ operation, durationMs: durationMs(), end: endOf?.(result) });
      return result;
    } catch (error) {
      this.#observers.stored({ operation, durationMs: durationMs(), error });
      throw error;
    }
  }
}

function reported(drafts: readonly Draft[], result: AppendResult, observers: Observers): AppendResult {
  const isNew = (_: Draft, index: number): boolean => result.appended[index]?.duplicate === false;
  observers.appended(drafts.filter(isNew));
  return result;
}

function endOfAppend({ epoch, appended }: AppendResult): LogPosition {
  return { epochId: epoch.id, position: appended.reduce((end, { position }) => Math.max(end, position), 0) };
}

function endOfRead({ epoch, head }: ReadResult): LogPosition {
  return { epochId: epoch.id, position: head };
}
