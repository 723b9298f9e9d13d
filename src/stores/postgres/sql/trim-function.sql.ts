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
 * the beginning of the table, found by its key. Count and bytes of the log are differences of
 * running sums, without the entries that `remove_entries` has removed. So nothing else is scanned.
 * Records of the library count toward the bounds only beyond separate limits. Appends do not wait
 * for the removal. Only one node at a time removes entries; on the other nodes the function does
 * nothing.
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
  SELECT l.trimmed, l.vacuumed, l.patterns, l.total, l.records, l.record_total,
      coalesce(e.position, l.last_position) AS position,
      coalesce(e.position, l.last_position) - l.trimmed - l.erased AS kept,
      coalesce(e.total, l.last_total) - l.total - l.erased_bytes AS kept_bytes,
      coalesce(e.records, l.last_records) - l.records - l.erased_records AS kept_records,
      coalesce(e.record_total, l.last_record_total) - l.record_total - l.erased_record_bytes AS kept_record_bytes
    INTO last
    FROM ${s}.log l
    LEFT JOIN LATERAL (
      SELECT i.position, i.total, i.records, i.record_total FROM ${s}.entries i
      WHERE i.position > l.last_position ORDER BY i.position DESC LIMIT 1
    ) e ON true;

  -- n, sum_bytes, n_records and sum_record_bytes are running sums over the oldest entries.
  SELECT max(o.position) AS position, max(o.total) AS total, max(o.records) AS records,
      max(o.record_total) AS record_total, max(o.n) AS n, max(o.sum_bytes) AS sum_bytes,
      max(o.n_records) AS n_records, max(o.sum_record_bytes) AS sum_record_bytes
    INTO cut
    FROM (
      SELECT e.*, row_number() OVER w AS n, sum(e.bytes) OVER w AS sum_bytes, sum(e.record) OVER w AS n_records,
        sum(e.record * e.bytes) OVER w AS sum_record_bytes
      FROM (
        SELECT i.position, i.time, i.bytes, i.total, i.records, i.record_total,
          (left(i.topic, 1) = '${RESERVED_TOPIC_PREFIX}')::int AS record
        FROM ${s}.entries i
        WHERE i.position > last.trimmed ORDER BY i.position LIMIT rows_max
      ) e
      WINDOW w AS (ORDER BY e.position)
    ) o
    WHERE last.kept - o.n + 1
        - least(last.kept_records - (o.n_records - o.record), ${RECORDS_MAX}) > retain_count
      OR last.kept_bytes - (o.sum_bytes - o.bytes)
        - least(last.kept_record_bytes - (o.sum_record_bytes - o.record * o.bytes), ${RECORD_BYTES_MAX}) > retain_bytes
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
    -- Positions up to the cut without an entry belong to entries that were already removed.
    UPDATE ${s}.log l SET trimmed = cut.position, total = cut.total, records = cut.records,
      record_total = cut.record_total, vacuumed = CASE WHEN is_vacuum_due THEN cut.position ELSE vacuumed END,
      erased = l.erased - (cut.position - last.trimmed - cut.n),
      erased_bytes = l.erased_bytes - (cut.total - last.total - cut.sum_bytes),
      erased_records = l.erased_records - (cut.records - last.records - cut.n_records),
      erased_record_bytes = l.erased_record_bytes - (cut.record_total - last.record_total - cut.sum_record_bytes),
      last_position = greatest(l.last_position, cut.position), last_total = greatest(l.last_total, cut.total),
      last_records = greatest(l.last_records, cut.records),
      last_record_total = greatest(l.last_record_total, cut.record_total);
  END IF;
END $$;
`;
}
