import { RESERVED_TOPIC_PREFIX } from '../../../core/revocation.js';
import { LOCK_CLASS, quoted } from './names.js';

/**
 * Appends drafts: one call, one round trip, one transaction.
 *
 * The lock makes the order of positions the order of commits. PostgreSQL releases it only after the
 * transaction has become visible, so the next position is always given after all lower ones are
 * visible, to every reader. The lock is taken in a statement of its own: the statement after it
 * then sees all that was committed while it waited. (A snapshot for the whole transaction would
 * not, hence the check of the isolation.)
 *
 * - `ids`, `topics`, `jsons`: the drafts. `wait_ms`: how long to wait for the lock.
 * - `seen_epoch`, `seen_position`: the last position that the caller knows. If the log of that
 *   epoch ends before it, nothing is appended: its positions would be given a second time.
 * - If another engine wrote the log's row, a new epoch begins before any position is given.
 *   `verify` then finds what is lost, as the caller sees another epoch.
 * - An id that the log holds, or that comes earlier in the same call, gives its position and
 *   `duplicates` true.
 * - One draft has a path of its own: the general statement costs more than the insert itself.
 * - `LATERAL … LIMIT 1` looks up each id by index: plans of functions are kept, and one that was
 *   made when the table was empty would read it all. So would a sequential scan, hence the
 *   settings; a plan that they make look expensive must not be compiled each time either (`jit`).
 */
export function appendFunction(schema: string): string {
  const s = quoted(schema);
  return `
DROP FUNCTION IF EXISTS ${s}.append(text[], text[], text[], integer);
DROP FUNCTION IF EXISTS ${s}.append(text[], text[], text[], integer, text, bigint);
CREATE FUNCTION ${s}.append(
  ids text[], topics text[], jsons text[], wait_ms integer, seen_epoch text, seen_position bigint,
  OUT epoch_id text, OUT before bigint, OUT head bigint, OUT positions bigint[], OUT duplicates boolean[]
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  engine text;
  known bigint;
  last_total bigint;
  last_records bigint;
  last_record_total bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'appending needs the isolation level read committed' USING ERRCODE = '25001';
  END IF;
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);
  PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, '${s}.log'::regclass::oid::int4);

  SELECT l.epoch_id, l.identity, coalesce(e.position, l.trimmed), coalesce(e.total, l.total),
      coalesce(e.records, l.records), coalesce(e.record_total, l.record_total)
    INTO STRICT epoch_id, engine, before, last_total, last_records, last_record_total
    FROM ${s}.log l
    LEFT JOIN LATERAL (SELECT i.position, i.total, i.records, i.record_total FROM ${s}.entries i ORDER BY i.position DESC LIMIT 1) e ON true;
  IF engine <> ${s}.identity() THEN
    epoch_id := ${s}.renew(true, false);
  ELSIF epoch_id = seen_epoch AND before < seen_position THEN
    RAISE EXCEPTION 'the log was rewound' USING ERRCODE = 'P0002';
  END IF;
  IF before + cardinality(ids) > ${Number.MAX_SAFE_INTEGER} THEN
    RAISE EXCEPTION 'the log has no more positions' USING ERRCODE = '53400';
  END IF;

  IF cardinality(ids) = 1 THEN
    SELECT e.position INTO known FROM ${s}.entries e WHERE e.id = ids[1] COLLATE "C" LIMIT 1;
    duplicates := ARRAY[known IS NOT NULL];
    head := before + (known IS NULL)::int;
    positions := ARRAY[coalesce(known, head)];
    IF known IS NULL THEN
      INSERT INTO ${s}.entries (position, topic, id, time, bytes, total, records, record_total, json)
      SELECT head, topics[1], ids[1], clock_timestamp(), d.bytes, last_total + d.bytes, last_records + d.record,
        last_record_total + d.record * d.bytes, jsons[1]
      FROM (VALUES (octet_length(jsons[1]), (left(topics[1], 1) = '${RESERVED_TOPIC_PREFIX}')::int)) AS d (bytes, record);
    END IF;
    RETURN;
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
  )
  SELECT array_agg(coalesce(k.position, f.position) ORDER BY d.n), array_agg(f.n IS DISTINCT FROM d.n ORDER BY d.n),
    coalesce(max(f.position), before)
    INTO positions, duplicates, head
    FROM draft d
    LEFT JOIN known k ON k.n = d.n
    LEFT JOIN fresh f ON f.n = d.first_n;
END $$;
`;
}
