import { RESERVED_TOPIC_PREFIX } from '../../../core/revocation.js';
import { LOCK_CLASS, quoted } from './names.js';

/**
 * Appends drafts: one call, one round trip, one transaction.
 *
 * Because of the lock, positions follow the order of commits. PostgreSQL releases it only after the
 * transaction has become visible. So each position is assigned after all lower positions are
 * visible to every reader. A separate statement takes the lock, so the next statement sees
 * everything that was committed before. With one snapshot for the whole transaction, the next
 * statement would miss those commits. So the function checks the isolation level.
 *
 * - `ids`, `topics`, `jsons`: the drafts. `wait_ms`: bounds the wait for the lock.
 * - `seen_epoch`, `seen_position`: the last position that the caller knows. If that epoch's log
 *   ends before this position, the function appends nothing, to avoid assigning positions twice.
 * - If another engine wrote the log's row, the function appends nothing. The caller then calls
 *   `verify`, which decides whether entries may be lost.
 * - If the function begins or ceases to wait for a synchronous standby, it changes `synced`; see
 *   `syncedColumn`.
 * - An id that the log holds, or that is earlier in the same call, returns its position, with
 *   `duplicates` true.
 * - Each new entry is also indexed by the declared patterns that match its topic; see
 *   `patterns.sql.ts`. Records of the library match none.
 * - The result is JSON: `AppendRow` of `rows.ts`. One value costs less to plan than columns.
 *
 * For an append of one draft, each statement adds a noticeable cost. So that append runs fewer
 * statements. A free lock needs no `lock_timeout`. `PERFORM` costs ten times as much as an
 * expression in `IF`.
 *
 * `LATERAL … LIMIT 1` finds each id by index. PostgreSQL keeps plans of functions. A plan that was
 * made while the table was empty would scan the whole table. The settings prevent such a plan. They
 * also turn off `jit`, which would compile an expensive plan for each call.
 */
export function appendFunction(schema: string): string {
  const s = quoted(schema);
  const lock = `${LOCK_CLASS}, '${s}.log'::regclass::oid::int4`;
  return `
DROP FUNCTION IF EXISTS ${s}.append(text[], text[], text[], integer);
DROP FUNCTION IF EXISTS ${s}.append(text[], text[], text[], integer, text, bigint);
CREATE FUNCTION ${s}.append(
  ids text[], topics text[], jsons text[], wait_ms integer, seen_epoch text, seen_position bigint
) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  setting text;
  epoch_id text;
  engine text;
  before bigint;
  head bigint;
  positions bigint[];
  duplicates boolean[];
  known bigint;
  size integer;
  record integer;
  last_total bigint;
  last_records bigint;
  last_record_total bigint;
  indexed text[];
  was_synced boolean;
  is_synced boolean;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'appending needs the isolation level read committed' USING ERRCODE = '25001';
  END IF;
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  setting := set_config('lock_timeout', wait_ms || 'ms', true);
  IF NOT pg_try_advisory_xact_lock(${lock}) THEN
    PERFORM pg_advisory_xact_lock(${lock});
  END IF;

  SELECT l.epoch_id, l.identity, coalesce(e.position, l.last_position), coalesce(e.total, l.last_total),
      coalesce(e.records, l.last_records), coalesce(e.record_total, l.last_record_total), l.patterns,
      l.synced, current_setting('synchronous_standby_names') <> '' AND current_setting('synchronous_commit') <> 'local',
      (SELECT k.position FROM ${s}.entries k WHERE k.id = ids[1] COLLATE "C" LIMIT 1)
    INTO STRICT epoch_id, engine, before, last_total, last_records, last_record_total, indexed,
      was_synced, is_synced, known
    FROM ${s}.log l
    LEFT JOIN LATERAL (
      SELECT i.position, i.total, i.records, i.record_total FROM ${s}.entries i
      WHERE i.position > l.last_position ORDER BY i.position DESC LIMIT 1
    ) e ON true;
  IF engine <> ${s}.identity() THEN
    RAISE EXCEPTION 'another engine wrote the log' USING ERRCODE = 'P0002';
  ELSIF epoch_id = seen_epoch AND before < seen_position THEN
    RAISE EXCEPTION 'the log was rewound' USING ERRCODE = 'P0002';
  END IF;
  IF before + cardinality(ids) > ${Number.MAX_SAFE_INTEGER} THEN
    RAISE EXCEPTION 'the log has no more positions' USING ERRCODE = '53400';
  END IF;

  IF was_synced <> is_synced THEN
    UPDATE ${s}.log SET synced = is_synced;
  END IF;

  IF cardinality(ids) = 1 THEN
    head := before + (known IS NULL)::int;
    IF known IS NULL THEN
      size := octet_length(jsons[1]);
      record := (left(topics[1], 1) = '${RESERVED_TOPIC_PREFIX}')::int;
      INSERT INTO ${s}.entries (position, topic, id, time, bytes, total, records, record_total, json)
      VALUES (head, topics[1], ids[1], clock_timestamp(), size, last_total + size, last_records + record,
        last_record_total + record * size, jsons[1]);
      IF record = 0 AND cardinality(indexed) > 0 THEN
        INSERT INTO ${s}.by_pattern (pattern, position, bytes)
        SELECT p.name, head, size FROM unnest(indexed) AS p (name)
        WHERE starts_with(topics[1], left(p.name, -1));
      END IF;
    END IF;
    RETURN json_build_object('epochId', epoch_id, 'before', before, 'head', head,
      'positions', ARRAY[coalesce(known, head)], 'duplicates', ARRAY[known IS NOT NULL]);
  END IF;

  WITH draft AS MATERIALIZED (
    SELECT d.id, d.topic, d.json, d.n, min(d.n) OVER (PARTITION BY d.id COLLATE "C") AS first_n
    FROM unnest(ids, topics, jsons) WITH ORDINALITY AS d (id, topic, json, n)
  ), known AS MATERIALIZED (
    SELECT d.n, k.position
    FROM draft d
    CROSS JOIN LATERAL (SELECT e.position FROM ${s}.entries e WHERE e.id = d.id COLLATE "C" LIMIT 1) k
  ), fresh AS MATERIALIZED (
    SELECT d.n, d.id, d.topic, d.json, octet_length(d.json) AS bytes, before + row_number() OVER (ORDER BY d.n) AS position,
      (left(d.topic, 1) = '${RESERVED_TOPIC_PREFIX}')::int AS record
    FROM draft d
    LEFT JOIN known k ON k.n = d.n
    WHERE d.n = d.first_n AND k.n IS NULL
  ), inserted AS (
    INSERT INTO ${s}.entries (position, topic, id, time, bytes, total, records, record_total, json)
    SELECT f.position, f.topic, f.id, clock_timestamp(), f.bytes, last_total + sum(f.bytes) OVER w,
      last_records + sum(f.record) OVER w, last_record_total + sum(f.record * f.bytes) OVER w, f.json
    FROM fresh f
    WINDOW w AS (ORDER BY f.n)
    ORDER BY f.n
  ), matched AS (
    INSERT INTO ${s}.by_pattern (pattern, position, bytes)
    SELECT p.name, f.position, f.bytes FROM fresh f CROSS JOIN unnest(indexed) AS p (name)
    WHERE f.record = 0 AND starts_with(f.topic, left(p.name, -1))
  )
  SELECT array_agg(coalesce(k.position, f.position) ORDER BY d.n), array_agg(f.n IS DISTINCT FROM d.n ORDER BY d.n),
    coalesce(max(f.position), before)
    INTO positions, duplicates, head
    FROM draft d
    LEFT JOIN known k ON k.n = d.n
    LEFT JOIN fresh f ON f.n = d.first_n;
  RETURN json_build_object('epochId', epoch_id, 'before', before, 'head', head, 'positions', positions,
    'duplicates', duplicates);
END $$;
`;
}
