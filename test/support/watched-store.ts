import { memoryStore, type StoreFactory } from 'nest-notifications';
import type { Store } from 'nest-notifications/store';

/** The calls of an application to its store. */
export interface StoreLog {
  /** Stores that were opened and are not closed. */
  open: number;
  opened: number;
  tails: number;
  appends: number;
  reads: number;
}

type Methods = Partial<Pick<Store, 'append' | 'read' | 'tail' | 'close'>>;

/**
 * A memory store that counts its calls. The methods in `instead` replace the methods of the memory
 * store.
 */
export function watchedStore(instead: Methods = {}): { readonly store: StoreFactory; readonly log: StoreLog } {
  const log: StoreLog = { open: 0, opened: 0, tails: 0, appends: 0, reads: 0 };
  const open = memoryStore();
  const store: StoreFactory = async (runtime) => {
    const inner = await open(runtime);
    log.open++;
    log.opened++;
    let isOpen = true;
    return {
      append: (drafts) => {
        log.appends++;
        return (instead.append ?? inner.append.bind(inner))(drafts);
      },
      read: (query) => {
        log.reads++;
        return (instead.read ?? inner.read.bind(inner))(query);
      },
      tail: async (after, onAppended) => {
        log.tails++;
        return (instead.tail ?? inner.tail.bind(inner))(after, onAppended);
      },
      remove: (query) => inner.remove(query),
      close: async () => {
        if (isOpen) log.open--;
        isOpen = false;
        await inner.close();
        await instead.close?.();
      },
    };
  };
  return { store, log };
}
