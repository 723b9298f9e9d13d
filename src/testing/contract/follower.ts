import assert from 'node:assert/strict';
import type { LogEntry } from '../../core/notification.js';
import type { Store, Tail, TailBatch } from '../../core/store.js';
import { TIMEOUT_MS, settledWithin } from './bounded.js';

/** A tail that keeps the batches that it receives. A check can wait until it reaches a position. */
export class Follower {
  readonly batches: TailBatch[] = [];
  readonly #after: number;
  readonly #timeoutMs: number;
  #tail: Tail | undefined;
  #waiting: { condition: () => boolean; met: () => void } | undefined;

  private constructor(after: number, timeoutMs: number) {
    this.#after = after;
    this.#timeoutMs = timeoutMs;
  }

  static async open(store: Store, after: number, timeoutMs = TIMEOUT_MS): Promise<Follower> {
    const follower = new Follower(after, timeoutMs);
    follower.#tail = await store.tail(after, (batch) => {
      follower.#onAppended(batch);
    });
    return follower;
  }

  get entries(): LogEntry[] {
    return this.batches.flatMap((batch) => batch.entries);
  }

  /** The position that the tail has reached. */
  get head(): number {
    return this.batches.at(-1)?.head ?? this.#after;
  }

  /**
   * Resolves when the tail has reached a position. Then everything before it is delivered as well.
   */
  reaches(position: number): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#waiting = { condition: () => this.head >= position, met: resolve };
      this.#check();
    });
    const describe = (): string => {
      const handed = `${this.entries.length} entries in ${this.batches.length} batches`;
      return `a tail after ${this.#after} did not reach ${position}: it delivered ${handed}, up to ${this.head}`;
    };
    return settledWithin(this.#timeoutMs, describe, reached);
  }

  async close(): Promise<void> {
    await this.#tail?.close();
  }

  /**
   * Asserts that exactly these entries were delivered, in batches without a gap between them.
   */
  assertHanded(entries: readonly LogEntry[]): void {
    const ids = (list: readonly LogEntry[]): string[] => list.map(({ id }) => id);
    assert.deepEqual(ids(this.entries), ids(entries), 'a tail delivers every entry once and in order');
    assert.deepEqual(this.entries.map(plain), entries.map(plain), 'a tail delivers the same entries as a read');
    let head = this.#after;
    for (const batch of this.batches) {
      assert.equal(
        batch.after,
        head,
        'a batch begins at the head of the previous batch, and the first batch at the requested position',
      );
      for (const { position } of batch.entries) {
        assert.ok(
          position > head && position <= batch.head,
          'the entries of a batch are in order, above `after` and at most at `head`',
        );
        head = position;
      }
      head = batch.head;
    }
  }

  #onAppended(batch: TailBatch): void {
    this.batches.push(batch);
    this.#check();
  }

  #check(): void {
    if (this.#waiting?.condition()) this.#waiting.met();
  }
}

/** Only an entry's fields, so that a driver may return objects of its own class. */
function plain({ position, id, topic, json, bytes }: LogEntry): LogEntry {
  return { position, id, topic, json, bytes };
}
