import { RECORD_BYTES_MAX, RECORDS_MAX } from '../../../core/records.js';
import { RESERVED_TOPIC_PREFIX } from '../../../core/revocation.js';
import { quoted, TRIM_LOCK_CLASS } from './names.js';

/**
 * Removes the oldest entries that are over a bound, at most `rows_max`, and gives how many. A range at the beginning of
 * the table, found by its key; count and bytes are differences, so nothing is scanned. Records of
 * the library are left out of both, up to their own room. Appends do not wait for it; one
 * node at a time does it, and others that try meanwhile leave it to that one.
 */
export function trimFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE OR REPLACE FUNCTION ${s}.trim_log(
  retain_count bigint, retain_bytes bigint, retain_ms double precision, rows_max integer
) RETURNS integer LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  removed integer := 0;
  last record;
  cut record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(${TRIM_LOCK_CLASS}, '${s}.log'::regclass::oid::int4) THEN
    RETURN 0;
  END IF;
  SELECT l.trimmed, e.position, e.total, e.records, e.record_total
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
    UPDATE ${s}.log SET trimmed = cut.position, total = cut.total, records = cut.records,
      record_total = cut.record_total;
  END IF;
  RETURN removed;
END $$;
`;
}
