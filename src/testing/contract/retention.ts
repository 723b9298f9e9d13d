import assert from 'node:assert/strict';
import type { ReadResult } from '../../core/store.js';
import { type Bench, type Checks, idsOf, positionsOf, read, RECORD_TOPIC, TOPIC } from './bench.js';

const TOPICS = [TOPIC, 'invoices'] as const;
/**
 * After `keep` times this number of notifications, a store must have removed entries.
 */
export const ROUNDS_MAX = 200;
/** Records between two notifications. */
const RECORDS = 6;

/** For stores whose log keeps the newest notifications only. */
export const retentionChecks: Checks = {
  'retention: `trimmed` is the highest removed position, and no entry above it is missing': async (bench) => {
    const { page, positions } = await trimmedLog(bench);
    const [kept, trimmed] = [positionsOf(page.entries), page.trimmed];
    assert.deepEqual(above(trimmed, kept), above(trimmed, positions), 'the log has every entry above `trimmed`');
    assert.ok(positions.includes(trimmed), `no entry was appended at trimmed, ${trimmed}`);
    assert.ok(!kept.includes(trimmed), 'the entry at trimmed was removed');
    assert.ok(kept.length >= bench.keep, `${kept.length} are kept, ${bench.keep} should be`);
    assert.ok(page.head >= (positions.at(-1) ?? Infinity));
  },

  'retention: removed entries are omitted silently': async (bench) => {
    const { page, positions } = await trimmedLog(bench);
    for (const after of [0, positions[0] ?? 0, page.trimmed - 1, page.trimmed]) {
      const { entries, more, trimmed } = await read(bench.store, { topics: TOPICS, after, limit: 2 });
      assert.deepEqual([entries.length, more], [2, true], `read after ${after}`);
      assert.ok((entries[0]?.position ?? 0) > after, `read after ${after}`);
      const complete = above(Math.max(after, trimmed), positions);
      assert.deepEqual(above(trimmed, positionsOf(entries)), complete.slice(0, 2), `read after ${after}`);
    }
  },

  'retention: every topic has all its entries above `trimmed`': async (bench) => {
    const { positions } = await trimmedLog(bench);
    for (const [index, topic] of TOPICS.entries()) {
      const { entries, trimmed } = await read(bench.store, { topics: [topic] });
      const ofTopic = positions.filter((_, at) => at % TOPICS.length === index);
      assert.deepEqual(above(trimmed, positionsOf(entries)), above(trimmed, ofTopic));
    }
  },

  'retention: a tail from a removed position reports the gap in its first batch': async (bench) => {
    const { page, positions } = await trimmedLog(bench);
    const follower = await bench.follow(0);
    await follower.reaches(positions.at(-1) ?? 0);
    const after = follower.batches[0]?.after ?? 0;
    assert.ok(
      after >= page.trimmed,
      `the first batch begins after ${after}, but entries up to ${page.trimmed} were removed`,
    );
    assert.deepEqual(positionsOf(follower.entries), above(after, positions), 'the log is complete from there');
  },

  'retention: records of the library do not evict notifications': async (bench) => {
    const records: string[] = [];
    const notifications: number[] = [];
    for (let round = 1; round <= 3 * bench.keep; round++) {
      const drafts = Array.from({ length: RECORDS }, (_, n) => bench.draft(`${RECORD_TOPIC}.${n % 3}`));
      records.push(...idsOf((await bench.store.append(drafts)).appended));
      notifications.push(...positionsOf((await bench.store.append([bench.draft()])).appended));
      const page = await read(bench.store);
      const kept = Math.min(round, bench.keep);
      assert.ok(page.entries.length >= kept, `${page.entries.length} notifications are kept in round ${round}`);
      assert.deepEqual(above(page.trimmed, positionsOf(page.entries)), above(page.trimmed, notifications));
    }
    const topics = [0, 1, 2].map((n) => `${RECORD_TOPIC}.${n}`);
    const { entries, trimmed } = await read(bench.store, { topics: [TOPIC, ...topics] });
    const complete = entries.filter(({ position }) => position > trimmed);
    const notified = complete.filter(({ topic }) => topic === TOPIC).length;
    assert.ok(notified >= bench.keep, 'the log after trimmed has the newest notifications');
    const recorded = complete.filter(({ topic }) => topic !== TOPIC);
    assert.deepEqual(
      idsOf(recorded),
      records.slice(records.length - recorded.length),
      'the log after trimmed has all records between these notifications',
    );
  },
};

export function above(trimmed: number, positions: readonly number[]): number[] {
  return positions.filter((position) => position > trimmed);
}

/** Appends, to the topics in turn, until retention has removed something. */
export async function trimmedLog(bench: Bench): Promise<{ page: ReadResult; positions: readonly number[] }> {
  const positions: number[] = [];
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (let count = 0; count < bench.keep; count += TOPICS.length) {
      const { appended } = await bench.store.append(TOPICS.map((topic) => bench.draft(topic)));
      positions.push(...positionsOf(appended));
    }
    const page = await read(bench.store, { topics: TOPICS });
    if (page.trimmed > 0) return { page, positions };
  }
  throw new assert.AssertionError({
    message: `no notification was removed after ${positions.length} appends, although the store should keep about ${bench.keep}`,
  });
}
