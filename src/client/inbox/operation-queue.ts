import type { InboxOp } from '../../inbox/nest/operation-request.js';
import { fieldsOf } from '../delivery.js';
import type { Environment } from '../environment.js';
import { FeedError } from '../errors.js';
import { requestJson } from '../request.js';
import { untilAnswered } from './retry.js';
import { StoredOperations } from './stored-operations.js';
import type { InboxOptions } from './types.js';
import type { Change } from './wire-types.js';

/** One request that changes the state of items. */
export interface Operation {
  readonly op: InboxOp;
  readonly ids?: readonly string[] | undefined;
  /** The position after the newest item that was shown. All older items are included. */
  readonly upTo?: string | undefined;
  /** With `upTo`: only items of these types. */
  readonly type?: readonly string[] | undefined;
  /** The newest item that was shown. */
  readonly newest?: string | undefined;
  /** The snoozed items, which "mark all" does not change. */
  readonly except?: readonly string[] | undefined;
  readonly until?: string | undefined;
}

/** The events of a queue. */
export interface QueueEvents {
  /** The pending operations have changed. */
  changed(): void;
  /** The server has applied an operation. Returns whether the live feed will deliver the change. */
  acknowledged(): boolean;
  /** Applies a change that the queue does not keep any more. */
  apply(change: Change): void;
  /** The server has rejected an operation. The queue continues. */
  rejected(error: FeedError): void;
  /** The server has refused the credentials. The queue keeps its operations. */
  refused(error: FeedError): void;
}

interface Entry {
  readonly key: string;
  readonly operation: Operation;
  phase: 'queued' | 'sent' | 'acknowledged';
  /** Whether the live feed has delivered the change. */
  isEchoed: boolean;
  /**
   * True if the list may contain the change already. The live feed then possibly does not deliver
   * it.
   */
  isInDoubt: boolean;
  /** Settles the caller's promise. Undefined for an operation from the store. */
  readonly settle?: (error?: FeedError) => void;
}

/** The server's limit for the ids of one operation or record. */
export const OPERATION_IDS_MAX = 100;
/** The maximum number of operations. The server accepts 120 a minute by default. */
export const OPERATIONS_MAX = 500;
/** The maximum length of the queue as JSON. A browser stores about 5 million characters. */
export const QUEUED_CHARS_MAX = 256 * 1024;
/**
 * The longest body of a request with `keepalive`. Browsers reject longer bodies than 64 KiB, and a
 * character has at most three bytes.
 */
export const KEEPALIVE_CHARS_MAX = Math.floor((64 * 1024) / 3);
/** The maximum number of acknowledged operations that wait for the live feed. */
const ACKNOWLEDGED_MAX = 100;

/**
 * Operations in the order of the calls. The queue sends one at a time, and repeats it until the
 * server acknowledges or rejects it. An acknowledged operation stays until the live feed has
 * delivered it, so that its effect never disappears in between.
 */
export class OperationQueue {
  readonly #environment: Environment;
  readonly #options: InboxOptions;
  readonly #events: QueueEvents;
  readonly #stored: StoredOperations;
  readonly #closing = new AbortController();
  #entries: Entry[] = [];
  /** The operations that the server acknowledged before the current request for a page. */
  #beforePage: ReadonlySet<Entry> = new Set();
  /** The operation whose last event was full, so that another one may follow. */
  #continued: Entry | undefined;
  #hasStarted = false;
  #isSending = false;

  constructor(options: InboxOptions, environment: Environment, events: QueueEvents) {
    this.#options = options;
    this.#environment = environment;
    this.#events = events;
    this.#stored = new StoredOperations(options.queue);
  }

  /** The effects of all operations that the live feed has not delivered, in order. */
  get changes(): readonly Change[] {
    return this.#entries.map(({ operation }) => changeOf(operation));
  }

  /** The number of operations that the server has not acknowledged. */
  get pending(): number {
    return this.#entries.filter(({ phase }) => phase !== 'acknowledged').length;
  }

  /** Sends the operations of the store, once. */
  start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#entries = this.#stored
      .load()
      .slice(0, OPERATIONS_MAX)
      .map(({ key, operation }) => newEntry(key, operation));
    void this.#send();
  }

  /**
   * Adds an operation. Resolves when the server has acknowledged it.
   * @throws FeedError if the server rejects the operation, the queue is full, or the inbox is
   * closed
   */
  add(operation: Operation): Promise<void> {
    this.start();
    if (this.#closing.signal.aborted) return Promise.reject(closedError());
    const queued = this.#entries.filter(({ phase }) => phase !== 'acknowledged');
    const chars = JSON.stringify([...queued.map((entry) => entry.operation), operation]).length;
    if (queued.length >= OPERATIONS_MAX || chars > QUEUED_CHARS_MAX) {
      const message = `the queue has ${queued.length} operations that the server has not acknowledged; try again later`;
      return Promise.reject(new FeedError(message, { code: 'queue_full' }));
    }
    return new Promise((resolve, reject) => {
      const settle = (error?: FeedError): void => (error ? reject(error) : resolve());
      this.#entries.push(newEntry(this.#stored.add(operation), operation, settle));
      this.#events.changed();
      void this.#send();
    });
  }

  /** The page that is requested now will contain all acknowledged operations. */
  pageRequested(): void {
    this.#beforePage = new Set(this.#entries.filter(({ phase }) => phase === 'acknowledged'));
  }

  /** The requested page has replaced the list. */
  loaded(): void {
    this.#entries = this.#entries.filter((entry) => !this.#beforePage.has(entry));
    this.#beforePage = new Set();
    for (const entry of this.#entries) entry.isInDoubt ||= entry.phase !== 'queued';
  }

  /** The live feed has delivered changes. */
  received(changes: readonly Change[]): void {
    for (const change of changes) {
      const entry = this.#entries.find(
        (one) => one.phase !== 'queued' && !one.isEchoed && isEcho(change, one.operation),
      );
      if (this.#continued && this.#continued !== entry) this.#continued.isEchoed = true;
      this.#continued = isFull(change) ? entry : undefined;
      if (entry && !this.#continued) entry.isEchoed = true;
    }
    this.#entries = this.#entries.filter(
      ({ phase, isEchoed, isInDoubt }) => phase !== 'acknowledged' || !(isEchoed || isInDoubt),
    );
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const entries = this.#entries;
    this.#entries = [];
    for (const { settle } of entries) settle?.(closedError());
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    let next: Entry | undefined;
    while ((next = this.#entries.find(({ phase }) => phase === 'queued'))) await this.#sendOne(next);
    this.#isSending = false;
  }

  async #sendOne(entry: Entry): Promise<void> {
    const { signal } = this.#closing;
    const { url } = this.#options;
    const { newest: _, except: _except, ...fields } = entry.operation;
    const body = JSON.stringify(fields);
    const keepalive = body.length <= KEEPALIVE_CHARS_MAX;
    const request = { url: String(url), method: 'POST', body, keepalive, signal };
    // Another tab may have sent an operation from the store.
    const isNeeded = (): boolean => entry.settle !== undefined || this.#stored.has(entry.key);
    entry.phase = 'sent';
    try {
      const answer = await untilAnswered<unknown>(this.#environment, signal, {
        send: async () => isNeeded() && requestJson(this.#environment, this.#options, request),
        onRetry: () => undefined,
      });
      if (!signal.aborted) this.#acknowledge(entry, fieldsOf(answer).changed === true);
    } catch (error) {
      if (!signal.aborted) this.#reject(entry, error as FeedError);
    }
  }

  #acknowledge(entry: Entry, hasChanged: boolean): void {
    entry.phase = 'acknowledged';
    entry.isInDoubt ||= !hasChanged;
    this.#stored.remove(entry.key);
    const isFollowed = this.#events.acknowledged();
    if (entry.isEchoed) this.#entries = this.#entries.filter((one) => one !== entry);
    else this.#settleOldest(isFollowed ? ACKNOWLEDGED_MAX : 0);
    this.#events.changed();
    entry.settle?.();
  }

  /** Applies the oldest acknowledged operations to the list, and keeps at most `count` of them. */
  #settleOldest(count: number): void {
    const acknowledged = this.#entries.filter(({ phase }) => phase === 'acknowledged');
    const settled = acknowledged.slice(0, Math.max(0, acknowledged.length - count));
    for (const { operation } of settled) this.#events.apply(changeOf(operation));
    this.#entries = this.#entries.filter((entry) => !settled.includes(entry));
  }

  #reject(entry: Entry, error: FeedError): void {
    entry.settle?.(error);
    if (error.status === 401) {
      this.#events.refused(error);
      return;
    }
    this.#events.rejected(error);
    this.#remove(entry);
  }

  #remove(entry: Entry): void {
    this.#entries = this.#entries.filter((one) => one !== entry);
    this.#stored.remove(entry.key);
    this.#events.changed();
  }
}

function newEntry(key: string, operation: Operation, settle?: Entry['settle']): Entry {
  return { key, operation, phase: 'queued', isEchoed: false, isInDoubt: false, ...(settle && { settle }) };
}

function changeOf({ op, ids, newest, except, type, until }: Operation): Change {
  return { op, ids, upTo: newest, except, types: type, until };
}

/** Whether a change of the live feed is probably the effect of this device's operation. */
function isEcho({ op, ids, upTo, types }: Change, operation: Operation): boolean {
  if (op !== operation.op || String(types) !== String(operation.type)) return false;
  if (types) return true;
  if (!ids) return upTo !== undefined && operation.upTo !== undefined;
  return ids.every((id) => operation.ids?.includes(id));
}

/**
 * Whether another event of the same operation may follow. "Mark all" of some types has one event
 * per 100 items, and no other operation is between them.
 */
function isFull({ ids = [], types }: Change): boolean {
  return types !== undefined && ids.length >= OPERATION_IDS_MAX;
}

export function closedError(): FeedError {
  return new FeedError('the inbox is closed', { code: 'closed' });
}
