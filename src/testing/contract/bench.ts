import assert from 'node:assert/strict';
import type { StoreAbilities, StoreAbility } from '../../core/abilities.js';
import type { Draft, LogEntry } from '../../core/notification.js';
import type { Epoch, ReadQuery, ReadResult, Store } from '../../core/store.js';
import { bounded, TIMEOUT_MS, settledWithin } from './bounded.js';
import { Follower } from './follower.js';

/** Functions of a driver that open its stores for the contract. */
export interface StoreContractOptions {
  /** Opens a store on its own log, which is new and empty. The contract closes it. */
  readonly open: () => Promise<Store>;
  /**
   * For shared stores: opens another store on the newest log of `open`, even if the first store is
   * closed. Without this function, each log belongs to one store.
   */
  readonly openAnother?: (() => Promise<Store>) | undefined;
  /**
   * A store that keeps at least the `keep` (4 or more) newest notifications, and removes the others
   * at some time.
   */
  readonly trim?: { readonly open: () => Promise<Store>; readonly keep: number } | undefined;
  /**
   * The abilities that the store has besides the methods of `Store`: `'claim'`, `'positionsOf'`,
   * `'indexPatterns'`. Each is then checked, and the store must not have another one. Default:
   * none.
   */
  readonly abilities?: readonly StoreAbility[] | undefined;
  /**
   * The time that the contract waits for a call to settle or a tail to deliver. Default ten
   * seconds.
   */
  readonly timeoutMs?: number | undefined;
}

/** One test of the contract. `run` rejects with an `AssertionError` if the store breaks it. */
export interface StoreCheck {
  /** The behaviour that it checks, for the name of a test. */
  readonly name: string;
  /** Rejects if the store behaves differently. */
  readonly run: () => Promise<void>;
}

/** Checks by name. */
export type Checks = Readonly<Record<string, (bench: Bench) => Promise<void>>>;

/** The time to live of a claim, longer than any check takes. */
const CLAIM_MS = 3_600_000;

/** The topic of a draft for which a check names no topic. */
export const TOPIC = 'orders';
/** The topic of records, as the library appends them. */
export const RECORD_TOPIC = '$check';

/** Bounds so large that a page has all entries, unless a check sets a lower bound. */
export const WHOLE: Pick<ReadQuery, 'after' | 'limit' | 'bytesMax'> = {
  after: 0,
  limit: 1000,
  bytesMax: 2 ** 30,
};

/** A store whose calls are bounded in time, with the abilities that it has. */
export type BenchStore = Store & Partial<StoreAbilities>;

/** The resources of a check: a store on a fresh log, and all that the check opens. */
export class Bench {
  readonly store: BenchStore;
  readonly #options: StoreContractOptions;
  readonly #opened: BenchStore[];
  #drafted = 0;

  private constructor(options: StoreContractOptions, store: BenchStore) {
    this.#options = options;
    this.store = store;
    this.#opened = [store];
  }

  /** Runs one check from the opening of its store to the closing. */
  static async run(check: (bench: Bench) => Promise<void>, options: StoreContractOptions): Promise<void> {
    const bench = new Bench(options, await open(options.open, options));
    try {
      await check(bench);
    } catch (error) {
      // The error of the check explains the failure, so an error of the close is ignored.
      await bench.#close().catch(() => undefined);
      throw error;
    }
    await bench.#close();
  }

  /** A store on another fresh log. */
  openFresh(): Promise<BenchStore> {
    return this.#open(this.#options.open);
  }

  /** Another node's store on the same log. */
  openAnother(): Promise<BenchStore> {
    if (!this.#options.openAnother) throw new Error('this check needs the option openAnother');
    return this.#open(this.#options.openAnother);
  }

  /** The value of the option `abilities`. */
  get abilities(): readonly StoreAbility[] {
    return this.#options.abilities ?? [];
  }

  get keep(): number {
    return this.#options.trim?.keep ?? Infinity;
  }

  /** A draft, with an id of its own unless one is given. */
  draft(topic: string = TOPIC, data: unknown = null, id = `draft-${++this.#drafted}`): Draft {
    return { id, topic, json: JSON.stringify({ id, topic, type: 'check', time: '2030-01-01T00:00:00.000Z', data }) };
  }

  drafts(count: number, topic: string = TOPIC): Draft[] {
    return Array.from({ length: count }, () => this.draft(topic));
  }

  /** Opens a tail that keeps the batches that it receives. */
  follow(after: number, store = this.store): Promise<Follower> {
    return Follower.open(store, after, this.#options.timeoutMs);
  }

  /** Waits for a promise, for a limited time. */
  soon<T>(what: string, promise: Promise<T>): Promise<T> {
    return settledWithin(this.#options.timeoutMs ?? TIMEOUT_MS, () => `${what} did not happen`, promise);
  }

  async #close(): Promise<void> {
    for (const store of this.#opened) await store.close();
  }

  async #open(how: () => Promise<Store>): Promise<BenchStore> {
    const store = await open(how, this.#options);
    this.#opened.push(store);
    return store;
  }
}

async function open(how: () => Promise<Store>, { timeoutMs }: StoreContractOptions): Promise<BenchStore> {
  return bounded(await how(), timeoutMs);
}

/** Claims a key. @throws AssertionError if the store cannot */
export async function claim(store: BenchStore, key: string, ttlMs = CLAIM_MS): Promise<boolean> {
  assert.ok(store.claim, 'a store with the ability claim has the method claim');
  return store.claim(key, ttlMs);
}

/** Looks up ids. @throws AssertionError if the store cannot */
export async function lookUp(store: BenchStore, ids: readonly string[]): Promise<readonly (number | undefined)[]> {
  assert.ok(store.positionsOf, 'a store with the ability positionsOf has the method positionsOf');
  return store.positionsOf(ids);
}

/** One page; bounds that the query omits are unlimited. */
export function read(store: Store, query: Partial<ReadQuery> = {}): Promise<ReadResult> {
  return store.read({ ...WHOLE, topics: [TOPIC], ...query });
}

/** Everything after a position, page by page. */
export async function readAll(store: Store, topics: readonly string[] = [TOPIC], after = 0): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (let at = after; ;) {
    const page = await read(store, { topics, after: at });
    entries.push(...page.entries);
    if (!page.more) return entries;
    at = nextAfter(page, at);
  }
}

/**
 * The position at which the next read continues. A read that does not advance would be repeated
 * forever.
 */
export function nextAfter({ entries, more, head }: ReadResult, after: number): number {
  const last = entries.at(-1)?.position ?? after;
  if (!more) return Math.max(head, last);
  assert.ok(last > after, `a page after ${after} ends at ${last}; if more is true, it must end after ${after}`);
  return last;
}

/** The log's state, without entries. */
export function stateOf(store: Store): Promise<ReadResult> {
  return read(store, { topics: [], limit: 0 });
}

/** The identity of a log, without its past epochs. */
export function logOf({ epoch }: { readonly epoch: Epoch }): Epoch {
  return { id: epoch.id, secret: epoch.secret };
}

/**
 * A store may begin an epoch at every start, if all earlier cursors stay valid without a gap.
 */
export function assertContinues(now: Epoch, then: { readonly epoch: Epoch; readonly position: number }): void {
  const { id } = then.epoch;
  if (now.id === id) return;
  const past = now.before?.find((one) => one.id === id);
  assert.ok(past, 'the epoch is unchanged, or `before` contains the earlier epoch');
  assert.equal(past.secret, then.epoch.secret, 'a past epoch keeps its secret');
  assert.ok(past.upTo >= then.position, `a past epoch is valid up to ${then.position}, the last known position`);
  assert.notEqual(past.lost, true, 'a start that lost nothing does not set `lost`');
}

export function idsOf(list: readonly { readonly id: string }[]): string[] {
  return list.map(({ id }) => id);
}

export function positionsOf(list: readonly { readonly position: number }[]): number[] {
  return list.map(({ position }) => position);
}

/** Appends the drafts one after another, and returns the positions of the entries. */
export async function appendEach(store: Store, drafts: readonly Draft[]): Promise<number[]> {
  const positions: number[] = [];
  for (const draft of drafts) {
    const { appended } = await store.append([draft]);
    positions.push(...positionsOf(appended));
  }
  return positions;
}
