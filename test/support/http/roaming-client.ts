import { ClientRecord } from '../history/record.js';
import { Connection, type Target } from './connection.js';
import type { Random } from '../random.js';
import { SseReader } from './sse.js';
import { turn } from '../time/until.js';

/** The transport of a client's next request. */
export type Transport = 'poll' | 'sse';

export interface RoamingOptions {
  readonly name: string;
  readonly topics: readonly string[];
  readonly cursor: string;
  readonly random: Random;
  readonly transports: readonly Transport[];
  /** Returns true when the publisher has finished. */
  readonly over: () => boolean;
}

/**
 * Waits that clients ask for, in seconds: none, and one that ends before the next notification of a
 * quiet topic.
 */
const WAITS = [0, 1, 1];
/**
 * Impatient clients disconnect after up to this many turns: in every phase of a request, and while
 * it is held.
 */
const PATIENCE_TURNS = 200;
/** The probability that a stream is cut right after a block. */
const CUT_PROBABILITY = 0.02;

/**
 * A client with a bad network. It polls and streams by turns with its last cursor, requests pages
 * of any size, and often leaves before the answer. A notification counts as received when its page
 * or block is complete.
 */
export class RoamingClient {
  readonly record: ClientRecord;
  /** How often the client disconnected, and how many answers were empty or not. */
  readonly counts = { left: 0, full: 0, empty: 0, blocks: 0 };
  readonly #target: Target;
  readonly #options: RoamingOptions;
  #cursor: string;

  constructor(target: Target, options: RoamingOptions) {
    this.record = new ClientRecord(options.name);
    this.#target = target;
    this.#options = options;
    this.#cursor = options.cursor;
  }

  /** Reads until the publisher has finished and the feed has no more notifications. */
  async run(): Promise<void> {
    const { random, over, transports } = this.#options;
    for (;;) {
      if (over()) {
        const more = await this.#poll({ wait: 0, limit: 1000, patient: true });
        this.record.finished = !more;
        if (!more) return;
      } else if (random.pick(transports) === 'sse') await this.#stream();
      else await this.#poll({ wait: random.pick(WAITS), limit: random.from(1, 40), patient: random.chance(0.6) });
      if (random.chance(0.3)) await turn(random.from(1, 30));
    }
  }

  /**
   * Sends one poll. An impatient client reads only a part of the answer. Returns true if it has
   * notifications.
   */
  async #poll({ wait, limit, patient }: { wait: number; limit: number; patient: boolean }): Promise<boolean> {
    const connection = await Connection.open(this.#target);
    try {
      const answered = this.record.poll(this.#cursor, this.#options.topics);
      connection.send({ path: `/notifications?${this.#query()}&wait=${wait}&limit=${limit}` });
      if (!patient) {
        await turn(this.#options.random.from(0, PATIENCE_TURNS));
        this.counts.left++;
        return true;
      }
      const { status, json, text } = await connection.response();
      if (status !== 200) throw new Error(`unexpected: ${status} ${text}`);
      answered(json);
      this.#cursor = json.cursor;
      this.counts[json.notifications.length > 0 ? 'full' : 'empty']++;
      return json.notifications.length > 0;
    } finally {
      await connection.destroy();
    }
  }

  /**
   * A stream, for a while. Connections break anywhere: bytes after the last complete block are
   * lost.
   */
  async #stream(): Promise<void> {
    const { random, topics } = this.#options;
    const received = this.record.stream(this.#cursor, topics);
    const reader = await SseReader.open(this.#target, this.#query());
    try {
      for (let left = random.from(0, PATIENCE_TURNS); left > 0; left--) {
        await turn();
        for (const block of reader.available()) {
          received(block);
          this.#cursor = block.id ?? this.#cursor;
          this.counts.blocks++;
          if (random.chance(CUT_PROBABILITY)) return;
        }
      }
    } finally {
      this.counts.left++;
      await reader.close();
    }
  }

  #query(): string {
    return `topic=${this.#options.topics.join()}&cursor=${this.#cursor}`;
  }
}
