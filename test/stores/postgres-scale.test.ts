import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Store } from '../../src/core/store.js';
import { readAfter } from '../../src/stores/postgres/sql/read-after.sql.js';
import { type Direction, readPage } from '../../src/stores/postgres/sql/read-page.sql.js';
import { inDepth } from '../support/depth.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore } from '../support/stores/postgres.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;

const NOTIFICATIONS = inDepth(200_000, 1_000_000);
const TOPICS = NOTIFICATIONS / 100;

/**
 * Entries of all topics in turn. The engine writes them itself, as publishers are not under test.
 */
const FILL = `
INSERT INTO large.entries (position, topic, id, time, bytes, total, json)
SELECT i, 'topic-' || i % ${TOPICS}, 'id-' || i, now(), 40, 40 * i, '{"id":"id-' || i || '","topic":"topic-' || i % ${TOPICS} || '","type":"t"}'
FROM generate_series(1, ${NOTIFICATIONS}) i`;
const TOPIC_ENTRIES = NOTIFICATIONS / TOPICS;

/** More than a page of one topic, and after it a part in which the others are dense. */
const FILL_UNEVENLY = `
INSERT INTO large.entries (position, topic, id, time, bytes, total, json)
SELECT ${NOTIFICATIONS} + i, CASE WHEN i <= 700 THEN 'hot' ELSE 'u-' || i % 99 END, 'uneven-' || i, now(), 40, 40 * (${NOTIFICATIONS} + i), '{}'
FROM generate_series(1, 40000) i`;

describePostgres(`postgresStore with ${NOTIFICATIONS} notifications over ${TOPICS} topics`, () => {
  let engine: PostgresEngine;
  let store: Store;

  beforeAll(async () => {
    // Durability is not under test.
    engine = await PostgresEngine.start({ max_wal_size: '2GB', synchronous_commit: 'off', fsync: 'off' });
    const options = { connectionString: engine.url, schema: 'large' };
    await openPostgresStore(options);
    await closeStores();
    // Without statistics, as soon after a burst of notifications.
    await engine.use((client) => client.query(`${FILL}; ${FILL_UNEVENLY}`));
    store = await openPostgresStore(options);
  }, 180_000);
  afterAll(async () => {
    await closeStores();
    await engine.stop();
  });

  const bestMs = async (read: () => Promise<unknown>): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < 21; round++) {
      const startMs = performance.now();
      await read();
      times.push(performance.now() - startMs);
    }
    // The fastest round shows the cost. The others also waited for the processor.
    return Math.min(...times);
  };
  const positionsOf = (rows: readonly Record<string, unknown>[]) => rows.map(({ position }) => Number(position));
  /** The positions of a page, and the rows of the index that the engine visits for it. */
  const visit = (direction: Direction, names: readonly string[], from: number) =>
    engine.use(async (client) => {
      await client.query('BEGIN');
      const { rows } = await client.query(readPage('large', direction), [names, from, 1000, 2 ** 24]);
      const counted = await client.query(
        `SELECT pg_stat_get_xact_tuples_returned('large.by_topic'::regclass) AS count`,
      );
      await client.query('ROLLBACK');
      return { page: positionsOf(rows), visited: Number(counted.rows[0].count) };
    });
  const topics = (count: number) => Array.from({ length: count }, (_, index) => `topic-${index * 7}`);

  test.each([
    ['one topic from the start', 1, 0, 100],
    ['one topic near the end', 1, NOTIFICATIONS - TOPICS, 1],
    ['a hundred topics from the start', 100, 0, 100],
    ['a hundred topics near the end', 100, NOTIFICATIONS - TOPICS, 100],
  ])('a page costs what it returns: %s', async (_, count, after, expected) => {
    const query = { topics: topics(count), after, limit: 100, bytesMax: 2 ** 20 };
    const page = await store.read(query);
    expect(page.entries).toHaveLength(expected);
    expect(page.entries.every(({ topic, position }) => query.topics.includes(topic) && position > after)).toBe(true);
    // A scan of a million notifications takes hundreds of milliseconds.
    const ms = await bestMs(() => store.read(query));
    expect(ms).toBeLessThan(100);
  });

  test.each([
    ['topics in turn', 0, topics(100)],
    ['one topic', NOTIFICATIONS / 2, ['topic-1']],
    // First 700 notifications of one topic, then the others in turn.
    ['an uneven log', NOTIFICATIONS, ['hot', ...Array.from({ length: 99 }, (_, n) => `u-${n}`)]],
  ])('a page of 1,000 visits few more rows of the index than it holds: %s', async (_, after, names) => {
    const { page, visited } = await visit('after', names, after);
    const expected = await engine.use((client) =>
      client.query(
        'SELECT position FROM large.entries WHERE topic = ANY ($1) AND position > $2 ORDER BY position LIMIT 1000',
        [names, after],
      ),
    );
    expect(page.length).toBe(names.length === 1 ? TOPIC_ENTRIES / 2 : 1000);
    expect(page).toEqual(positionsOf(expected.rows));
    expect(visited).toBeLessThan(10_000);
  });

  test.each([
    ['topics in turn', NOTIFICATIONS, topics(100)],
    ['one topic', NOTIFICATIONS / 2, ['topic-1']],
    ['an uneven log', NOTIFICATIONS + 1_500, ['hot', ...Array.from({ length: 99 }, (_, n) => `u-${n}`)]],
  ])('a page of the history visits few more rows of the index than it holds: %s', async (_, before, names) => {
    const { page, visited } = await visit('before', names, before);
    const expected = await engine.use((client) =>
      client.query(
        'SELECT position FROM large.entries WHERE topic = ANY ($1) AND position < $2 ORDER BY position DESC LIMIT 1000',
        [names, before],
      ),
    );
    expect(page.length).toBe(names.length === 1 ? TOPIC_ENTRIES / 2 : 1000);
    expect(page).toEqual(positionsOf(expected.rows));
    expect(visited).toBeLessThan(10_000);
  });

  test('an append costs the same as to an empty log', async () => {
    let n = 0;
    const append = () => store.append([{ id: `new-${n++}`, topic: 'topic-1', json: '{}' }]);
    expect(await bestMs(append)).toBeLessThan(100);
  });

  test('retention removes by key', async () => {
    const trim = `SELECT large.trim_log(${NOTIFICATIONS - 1_000}, 1000000000000, 1e12, 2000)`;
    const startMs = performance.now();
    await engine.use((client) => client.query(trim));
    expect(performance.now() - startMs).toBeLessThan(1_000);
    const { trimmed } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    expect(trimmed).toBeGreaterThanOrEqual(1_000);
  });

  test.each([
    ['a page', readPage('large', 'after'), [topics(100), NOTIFICATIONS / 2, 100, 2 ** 20]],
    ['a page of the history', readPage('large', 'before'), [topics(100), NOTIFICATIONS / 2, 100, 2 ** 20]],
    ['a tail', readAfter('large'), [NOTIFICATIONS / 2, 1000, 2 ** 22]],
  ])('the engine finds %s by index', async (_, text, values) => {
    const lines = await engine.use(async (client) => {
      const { rows } = await client.query(`EXPLAIN (ANALYZE, COSTS OFF) ${text}`, values);
      return rows.map((row) => String(row['QUERY PLAN']));
    });
    const plan = lines.join('\n');
    expect(plan).not.toMatch(/Seq Scan on entries|Bitmap Heap Scan|JIT/);
    const read = lines.map((line) => Number(/Scan.* on entries .*rows=(\d+)/.exec(line)?.[1] ?? 0));
    expect(Math.max(...read)).toBeLessThanOrEqual(1_001);
  });
});
