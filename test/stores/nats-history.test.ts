import { describe, expect, test } from '@jest/globals';
import type { LogEntry } from '../../src/core/notification.js';
import { randomNumbers } from '../../src/testing/contract/random.js';
import type { Engine } from '../../src/stores/nats/engine.js';
import { encodeHeader, endPosition, type RawMessage, subjectOf } from '../../src/stores/nats/layout.js';
import type { BatchQuery, GetQuery } from '../../src/stores/nats/messages.js';
import { TopicHistory } from '../../src/stores/nats/topic-history.js';
import { WholeCommits } from '../../src/stores/nats/whole-commits.js';
import { draft } from '../support/drafts.js';

const PREFIX = 'log';
const LARGE = 1_000_000;

/** The messages of one topic in a stream, which the server finds in order only. */
class Stream {
  requests = 0;
  read = 0;
  readonly #messages: readonly RawMessage[];

  constructor(
    sequences: readonly number[],
    readonly canBatch: boolean,
    data = '',
  ) {
    this.#messages = sequences.map((sequence) => messageAt(sequence, data));
  }

  get(query: GetQuery): Promise<RawMessage | undefined> {
    this.requests++;
    if ('last_by_subj' in query) return this.#answer(this.#messages.slice(-1)).then(([last]) => last);
    return this.#answer(this.#from(query.seq, 1)).then(([first]) => first);
  }

  getBatch({ seq, batch, max_bytes }: BatchQuery): Promise<readonly RawMessage[]> {
    this.requests++;
    let bytes = 0;
    const some = this.#from(seq, batch);
    const cut = some.findIndex(({ data }) => (bytes += data.length + 300) >= max_bytes);
    return this.#answer(cut < 0 ? some : some.slice(0, cut + 1));
  }

  #from(seq: number, count: number): readonly RawMessage[] {
    let [low, high] = [0, this.#messages.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#messages[middle]!.sequence >= seq) high = middle;
      else low = middle + 1;
    }
    return this.#messages.slice(low, low + count);
  }

  async #answer(messages: readonly RawMessage[]): Promise<readonly RawMessage[]> {
    this.read += messages.length;
    return messages;
  }
}

function messageAt(sequence: number, data: string): RawMessage {
  const { id, json } = draft(`n${sequence}`, { topic: 'a', data });
  const part = { commit: id, index: 1, parts: 1, drafts: 1, floor: endPosition(sequence - 1), members: [0], ids: [id] };
  const headers = { get: () => encodeHeader(part) } as unknown as RawMessage['headers'];
  const subject = subjectOf(PREFIX, 'a');
  return { sequence, timeMs: 0, subject, headers, data: new TextEncoder().encode(json) };
}

/** The newest entries before a position. */
async function newest(stream: Stream, { limit, end }: { limit: number; end: number }): Promise<LogEntry[]> {
  const engine = stream as unknown as Engine;
  const run = new TopicHistory(engine, {
    ...{ prefix: PREFIX, topic: 'a', commits: new WholeCommits(engine) },
    ...{ batch: limit + 1, batchBytes: 64 * 1024, end, before: endPosition(end) + 1 },
  });
  const entries: LogEntry[] = [];
  while (entries.length < limit) {
    if (!run.isReady) await run.load();
    if (!run.entry) break;
    entries.push(run.entry);
    run.take();
  }
  return entries;
}

const spread = (count: number, every: number, from = every): number[] =>
  Array.from({ length: count }, (_, at) => from + at * every);

describe.each([
  ['in batches', true],
  ['message by message', false],
])('the history of a topic on nats, read %s', (_, canBatch) => {
  test.each<[what: string, sequences: readonly number[]]>([
    ['every message', spread(2_000, 1, LARGE - 1_999)],
    ['one message in a hundred', spread(1_000, 100)],
    ['one message in ten thousand', spread(100, 10_000)],
    ['few messages at the beginning of a long stream', spread(30, 1, 1)],
    ['few messages at the end of a long stream', spread(30, 1, LARGE - 29)],
    ['a single message', [17]],
    ['old messages close together, and a new one', [...spread(5_000, 1, 1), LARGE]],
    ['no message', []],
  ])('takes a bounded number of requests: %s', async (_what, sequences) => {
    for (const end of [LARGE, Math.floor(LARGE / 2)]) {
      const stream = new Stream(sequences, canBatch);
      const expected = sequences.filter((sequence) => sequence <= end).slice(-20);
      const entries = await newest(stream, { limit: 20, end });
      expect(entries.map(({ position }) => position)).toEqual(expected.map(endPosition).reverse());
      // Halving a stream of a million messages takes twenty steps.
      if (canBatch) expect(stream.requests).toBeLessThanOrEqual(32);
      expect(stream.read).toBeLessThanOrEqual(1_000);
    }
  });

  test.each([1, 2, 3])('is the filter of the stream, however the messages are spread (seed %i)', async (seed) => {
    const random = randomNumbers(seed);
    const sequences: number[] = [];
    for (let sequence = 1; sequence < 60_000;) {
      // Dense and sparse parts in turn.
      const gap = 1 + random([2, 20, 400, 4_000][random(4)]!);
      for (let count = random(60); count > 0; count--) sequences.push((sequence += gap));
    }
    for (let round = 0; round < 20; round++) {
      const [end, limit] = [1 + random(60_000), 1 + random(60)];
      const stream = new Stream(sequences, canBatch, 'x'.repeat(random(3) === 0 ? 4_000 : 10));
      const expected = sequences.filter((sequence) => sequence <= end).slice(-limit);
      const entries = await newest(stream, { limit, end });
      expect(entries.map(({ position }) => position)).toEqual(expected.map(endPosition).reverse());
    }
  });
});
