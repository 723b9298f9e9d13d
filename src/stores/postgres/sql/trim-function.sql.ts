import { RECORD_BYTES_MAX, RECORDS_MAX } from '../../../core/records.js';
import { RESERVED_TOPIC_PREFIX } from '../../../core/revocation.js';
import { quoted, TRIM_LOCK_CLASS } from './names.js';

/**
 * A vacuum scans the indexes, which is expensive. It starts when the removed entries are at least
 * this part of the kept entries, and at least this many.
 */
const VACUUM_PART = 0.2;
const VACUUM_COUNT_MIN = 1000;

/** `vacuumed`: the value of `trimmed` when a node last started a vacuum of the entries. */
export function vacuumColumn(schema: string): string {
  return `ALTER TABLE ${quoted(schema)}.log ADD COLUMN vacuumed bigint NOT NULL DEFAULT 0;`;
}

/**
 * Removes the oldest entries that exceed a bound, at most `rows_max`. These entries are a range at
 * the beginning of the table, found by its key. Count and bytes are differences of running sums, so
 * nothing is scanned. Records of the library count toward neither bound, up to separate limits.
 * Appends do not wait for the removal. One node at a time removes; the function does nothing on the
 * others.
 *
 * - `removed`: how many entries were removed.
 * - `is_vacuum_due`: true if enough was removed since the last vacuum, and the role may vacuum. The
 *   caller then starts a vacuum. Autovacuum starts at most once a minute. Until it starts, a busy
 *   log writes to new pages, and the files keep that size.
 */
export function trimFunction(schema: string): string {
  const s = quoted(schema);
  return `
DROP FUNCTION IF EXISTS ${s}.trim_log(bigint, bigint, double precision, integer);
CREATE FUNCTION ${s}.trim_log(
  retain_count bigint, retain_bytes bigint, retain_ms double precision, rows_max integer,
  OUT removed integer, OUT is_vacuum_due boolean
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  last record;
  cut record;
BEGIN
  removed := 0;
  is_vacuum_due := false;
  IF NOT pg_try_advisory_xact_lock(${TRIM_LOCK_CLASS}, '${s}.log'::regclass::oid::int4) THEN
    RETURN;
  END IF;
  SELECT l.trimmed, l.vacuumed, l.patterns, e.position, e.total, e.records, e.record_total
    INTO last
    FROM ${s}.log l
    LEFT JOIN LATERAL (SELECT i.position, i.total, i.records, i.record_total FROM ${s}.entries i ORDER BY i.position DESC LIMIT 1) e ON true;

  SELECT max(o.position) AS position, max(o.total) AS total, max(o.records) AS records,
      max(o.record_total) AS record_total
    INTO cut
    FROM (
      SELECT e.position, e.time, e.bytes, e.total, e.records, e.record_total,
        (left(e.topic, 1) = '${RESERVED_TOPIC_PREFIX}')::int AS record
      FROM ${s}.entries e
      WHERE e.position > last.trimmed ORDER BY e.position LIMIT rows_max
    ) o
    WHERE last.position - o.position + 1
        - least(last.records - (o.records - o.record), ${RECORDS_MAX}) > retain_count
      OR last.total - (o.total - o.bytes)
        - least(last.record_total - (o.record_total - o.record * o.bytes), ${RECORD_BYTES_MAX}) > retain_bytes
      OR o.time < clock_timestamp() - retain_ms * interval '1 millisecond';

  IF cut.position IS NOT NULL THEN
    DELETE FROM ${s}.entries e WHERE e.position > last.trimmed AND e.position <= cut.position;
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF cardinality(last.patterns) > 0 THEN
      DELETE FROM ${s}.by_pattern b WHERE b.pattern = ANY (last.patterns) AND b.position <= cut.position;
    END IF;
    SELECT cut.position - last.vacuumed >= greatest(${VACUUM_COUNT_MIN}, ${VACUUM_PART} * (last.position - cut.position))
        AND pg_has_role(c.relowner, 'USAGE')
      INTO is_vacuum_due
      FROM pg_class c WHERE c.oid = '${s}.entries'::regclass;
    UPDATE ${s}.log SET trimmed = cut.position, total = cut.total, records = cut.records,
      record_total = cut.record_total, vacuumed = CASE WHEN is_vacuum_due THEN cut.position ELSE vacuumed END;
  END IF;
END $$;
`;
}
