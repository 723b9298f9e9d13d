import { abilitiesOf, type StoreAbilities } from '../../src/core/abilities.js';
import type { Clock } from '../../src/core/clock.js';
import { NotificationsError } from '../../src/core/errors.js';
import type { Store, Tail } from '../../src/core/store.js';
import { memoryStore, type MemoryStoreOptions } from '../../src/stores/memory/memory-store.js';
import { ManualClock } from '../../src/testing/index.js';

/** The real memory store, with a clock that a test moves. */
export async function openMemoryStore(
  options: MemoryStoreOptions = {},
  clock: Clock = new ManualClock(),
): Promise<Store & Partial<StoreAbilities>> {
  return memoryStore(options)({ clock, logger: { warn: fail, error: fail } });
}

/**
 * One node's access to a shared log. `close` closes only the tails of this node.
 */
export function memoryNode(log: Store): Store {
  const tails = new Set<Tail>();
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw new NotificationsError('store_unavailable', 'This node is closed.');
  };
  const { claim, positionsOf, indexPatterns } = abilitiesOf(log);
  return {
    ...(claim && {
      claim: async (key: string, ttlMs: number) => {
        assertOpen();
        return claim(key, ttlMs);
      },
    }),
    ...(positionsOf && {
      positionsOf: async (ids: readonly string[]) => {
        assertOpen();
        return positionsOf(ids);
      },
    }),
    ...(indexPatterns && {
      indexPatterns: async (patterns: readonly string[]) => {
        assertOpen();
        return indexPatterns(patterns);
      },
    }),
    append: async (drafts) => {
      assertOpen();
      return log.append(drafts);
    },
    read: async (query) => {
      assertOpen();
      return log.read(query);
    },
    tail: async (after, onAppended) => {
      assertOpen();
      const tail = await log.tail(after, onAppended);
      tails.add(tail);
      return tail;
    },
    remove: async (query) => {
      assertOpen();
      return log.remove(query);
    },
    close: async () => {
      closed = true;
      for (const tail of tails) await tail.close();
    },
  };
}

function fail(message: string): never {
  throw new Error(`the memory store must not log anything; it logged: ${message}`);
}
