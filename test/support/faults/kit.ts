import { abilitiesOf, type StoreAbilities } from '../../../src/core/abilities.js';
import type { Draft, LogEntry } from '../../../src/core/notification.js';
import type { Appended, HistoryQuery, ReadQuery, ReadResult, Store, TailBatch } from '../../../src/core/store.js';

/** Breaks a store in one way. `nodes` are the stores that were opened earlier on the same log. */
export type Fault = (store: Store, nodes: readonly Store[]) => Store;

/** Replaces some methods of a store. */
export function replace(over: (store: Store, nodes: readonly Store[]) => Partial<Store & StoreAbilities>): Fault {
  return (store, nodes) => ({
    ...abilitiesOf(store),
    append: (drafts) => store.append(drafts),
    read: (query) => store.read(query),
    tail: (after, onAppended) => store.tail(after, onAppended),
    remove: (query) => store.remove(query),
    close: () => store.close(),
    ...over(store, nodes),
  });
}

/** Changes reads after a position. */
export const inQuery = (change: (query: ReadQuery) => Partial<ReadQuery>): Fault =>
  replace((store) => ({
    read: (query) => store.read(query.before === undefined ? { ...query, ...change(query) } : query),
  }));

/** Changes reads before a position. */
export const inHistory = (change: (query: HistoryQuery) => Partial<HistoryQuery>): Fault =>
  replace((store) => ({
    read: (query) => store.read(query.before === undefined ? query : { ...query, ...change(query) }),
  }));

/** Changes the results of reads after a position. */
export const inResult = (change: (result: ReadResult, query: ReadQuery) => Partial<ReadResult>): Fault =>
  replace((store) => ({
    read: async (query) => {
      const result = await store.read(query);
      return query.before === undefined ? { ...result, ...change(result, query) } : result;
    },
  }));

/** Changes the results of reads before a position. */
export const inHistoryResult = (change: (result: ReadResult, query: HistoryQuery) => Partial<ReadResult>): Fault =>
  replace((store) => ({
    read: async (query) => {
      const result = await store.read(query);
      return query.before === undefined ? result : { ...result, ...change(result, query) };
    },
  }));

export const inBatch = (change: (batch: TailBatch) => readonly TailBatch[]): Fault =>
  replace((store) => ({
    tail: (after, onAppended) => store.tail(after, (batch) => change(batch).forEach(onAppended)),
  }));

export const inAppended = (change: (appended: Appended, index: number) => Partial<Appended>): Fault =>
  replace((store) => ({
    append: async (drafts) => {
      const { epoch, appended } = await store.append(drafts);
      return { epoch, appended: appended.map((one, index) => ({ ...one, ...change(one, index) })) };
    },
  }));

export const inDraft = (change: (draft: Draft) => Partial<Draft>): Fault =>
  replace((store) => ({ append: (drafts) => store.append(drafts.map((draft) => ({ ...draft, ...change(draft) }))) }));

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** A query that reads only the state of the log. */
export const state = { topics: [], after: 0, limit: 0, bytesMax: 0 };
export const reversed = (entries: readonly LogEntry[]): LogEntry[] => [...entries].reverse();

/** Faults by name, each with the check that must notice it. */
export type Faults = Readonly<Record<string, readonly [Fault, string]>>;
