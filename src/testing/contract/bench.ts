import type { Draft, LogEntry } from '../../core/notification.js';
import type { ReadQuery, ReadResult, Store } from '../../core/store.js';
import { bounded } from './bounded.js';
import { Follower } from './follower.js';

/** How a driver lets the contract get at its stores. */
export interface StoreContractOptions {
  /** Opens a store on a log of its own that is new and empty. The contract closes it. */
  open(): Promise<Store>;
  /**
   * For stores that several nodes can share: opens another one on the log that `open` gave last, also when that one has
   * been closed meanwhile. Without it a log is expected to belong to one store.
   */
  openAnother?(): Promise<Store>;
  /** A store whose retention removes all but the newest notifications, roughly: it may keep more for a while. */
  readonly trim?: { open(): Promise<Store>; readonly keep: number };
  /** How long the contract waits for a call to settle or a tail to hand something over. Default ten seconds. */
  readonly timeoutMs?: number;
}

/** One test of the contract. `run` rejects with an `AssertionError` if the store breaks it. */
export interface StoreCheck {
  readonly name: string;
  run(): Promise<void>;
}

/** Checks by name. */
export type Checks = Readonly<Record<string, (bench: Bench) => Promise<void>>>;

/** The topics of drafts that do not say otherwise. */
export const TOPIC = 'orders';

/** Pages this large are cut off by `limit` or `bytesMax` only where a check wants it. */
export const WHOLE: Pick<ReadQuery, 'after' | 'limit' | 'bytesMax'> = {
  after: 0,
  limit: 1000,
  bytesMax: 2 ** 30,
};

/** What a check works with: a store on a fresh log, and all that is opened on the way. */
export class Bench {
  readonly store: Store;
  readonly #options: StoreContractOptions;
  readonly #opened: Store[];
  #drafted = 0;

  private constructor(options: StoreContractOptions, store: Store) {
    this.#options = options;
    this.store = store;
    this.#opened = [store];
  }

  /** Runs one check from the opening of its store to the closing. */
  static async run(check: (bench: Bench) => Promise<void>, options: StoreContractOptions): Promise<void> {
    const bench = new Bench(options, await open(options.open, options));
    try {
      await check(bench);
    } finally {
      for (const store of bench.#opened) await store.close();
    }
  }

  /** A store on another fresh log. */
  openFresh(): Promise<Store> {
    return this.#open(this.#options.open);
  }

  /** Another node's store on the same log. */
  openAnother(): Promise<Store> {
    if (!this.#options.openAnother) throw new Error('this check needs the option openAnother');
    return this.#open(this.#options.openAnother);
  }

  get keep(): number {
    return this.#options.trim?.keep ?? Infinity;
  }

  /** A draft with an id of its own. */
  draft(topic: string = TOPIC, data: unknown = null): Draft {
    const id = `draft-${++this.#drafted}`;
    return { id, topic, json: JSON.stringify({ id, topic, type: 'check', time: '2030-01-01T00:00:00.000Z', data }) };
  }

  drafts(count: number, topic: string = TOPIC): Draft[] {
    return Array.from({ length: count }, () => this.draft(topic));
  }

  /** Opens a tail that keeps what it is handed. */
  follow(after: number, store = this.store): Promise<Follower> {
    return Follower.open(store, after, this.#options.timeoutMs);
  }

  async #open(how: () => Promise<Store>): Promise<Store> {
    const store = await open(how, this.#options);
    this.#opened.push(store);
    return store;
  }
}

async function open(how: () => Promise<Store>, { timeoutMs }: StoreContractOptions): Promise<Store> {
  return bounded(await how(), timeoutMs);
}

/** One page; what the query leaves out is unbounded. */
export function read(store: Store, query: Partial<ReadQuery> = {}): Promise<ReadResult> {
  return store.read({ ...WHOLE, topics: [TOPIC], ...query });
}

/** Everything after a position, page by page. */
export async function readAll(store: Store, topics: readonly string[] = [TOPIC], after = 0): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (;;) {
    const page = await read(store, { topics, after: entries.at(-1)?.position ?? after });
    entries.push(...page.entries);
    if (!page.more || page.entries.length === 0) return entries;
  }
}

/** The log's state, without entries. */
export function stateOf(store: Store): Promise<ReadResult> {
  return read(store, { topics: [], limit: 0 });
}

export function idsOf(list: readonly { readonly id: string }[]): string[] {
  return list.map(({ id }) => id);
}

export function positionsOf(list: readonly { readonly position: number }[]): number[] {
  return list.map(({ position }) => position);
}

/** Appends one after another, each alone, and gives the entries' positions. */
export async function appendEach(store: Store, drafts: readonly Draft[]): Promise<number[]> {
  const positions: number[] = [];
  for (const draft of drafts) {
    const { appended } = await store.append([draft]);
    positions.push(...positionsOf(appended));
  }
  return positions;
}
