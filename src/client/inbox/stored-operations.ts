import { fieldsOf } from '../delivery.js';
import { isOp } from './item-list.js';
import type { Operation } from './operation-queue.js';
import type { QueueStore } from './queue-store.js';

/** An operation in the store. */
interface StoredOperation {
  readonly key: string;
  readonly operation: Operation;
}

/**
 * The operations of all tabs that share a store. Each call reads the store again, so a tab keeps
 * the operations of the other tabs. If the store fails, the queue works in memory.
 */
export class StoredOperations {
  readonly #store: QueueStore | undefined;

  constructor(store: QueueStore | undefined) {
    this.#store = store;
  }

  load(): readonly StoredOperation[] {
    try {
      const stored: unknown = JSON.parse(this.#store?.load() ?? '[]');
      return Array.isArray(stored) ? (stored as unknown[]).filter(isStored) : [];
    } catch {
      return [];
    }
  }

  has(key: string): boolean {
    return this.load().some((one) => one.key === key);
  }

  /** Adds an operation and returns its key. */
  add(operation: Operation): string {
    const key = `${Date.now()}.${Math.random()}`;
    this.#save([...this.load(), { key, operation }]);
    return key;
  }

  remove(key: string): void {
    this.#save(this.load().filter((one) => one.key !== key));
  }

  #save(operations: readonly StoredOperation[]): void {
    try {
      this.#store?.save(operations.length > 0 ? JSON.stringify(operations) : null);
    } catch {
      // The storage is full or blocked.
    }
  }
}

function isStored(value: unknown): value is StoredOperation {
  const { key, operation } = fieldsOf(value);
  const { op, ids, upTo, except = [], type = [] } = fieldsOf(operation);
  const hasItems = Array.isArray(ids) || (typeof upTo === 'string' && [except, type].every(Array.isArray));
  return typeof key === 'string' && isOp(op) && hasItems;
}
