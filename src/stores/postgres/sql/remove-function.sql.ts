import { RESERVED_TOPIC_PREFIX } from '../../../core/revocation.js';
import { quoted, TRIM_LOCK_CLASS } from './names.js';

/**
 * - `erased…`: entries above `trimmed` that were removed by `remove_entries`: their number and
 *   bytes, and the library's records among them. The running sums of the other entries include
 *   them, so retention subtracts them.
 * - `last_…`: the position and the running sums of the last entry that was removed for any reason.
 *   If no entry is above that position, it is the head, and the next append continues from it.
 */
export function removeColumns(schema: string): string {
  const s = quoted(schema);
  const names = ['erased', 'erased_bytes', 'erased_records', 'erased_record_bytes'];
  const last = ['last_position', 'last_total', 'last_records', 'last_record_total'];
  const columns = [...names, ...last].map((name) => `ADD COLUMN ${name} bigint NOT NULL DEFAULT 0`);
  return `
ALTER TABLE ${s}.log ${columns.join(', ')};
UPDATE ${s}.log
  SET last_position = trimmed, last_total = total, last_records = records, last_record_total = record_total;
`;
}

/**
 * Removes entries of one topic after a position and up to another one, at most `rows_max`. Appends
 * do not wait for it. It takes the lock of `trim_log`, which changes the same columns of the log.
 *
 * - `of_epoch`: the epoch that the positions belong to. In another epoch nothing is removed.
 * - `removed`: how many entries were removed. `last_removed`: the position of the last one.
 * - `head`: the head of the log. `epoch_id`, `current`: the log that was changed.
 * - `can_vacuum`: true if the role may vacuum the table.
 */
export function removeFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE FUNCTION ${s}.remove_entries(
  of_topic text, after bigint, up_to bigint, of_epoch text, rows_max integer, wait_ms integer,
  OUT removed integer, OUT last_removed bigint, OUT head bigint, OUT epoch_id text, OUT current boolean,
  OUT can_vacuum boolean
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  cut record;
  indexed text[];
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);
  PERFORM pg_advisory_xact_lock(${TRIM_LOCK_CLASS}, '${s}.log'::regclass::oid::int4);
  SELECT l.epoch_id, l.identity = ${s}.identity(),
      greatest(l.last_position, (SELECT max(e.position) FROM ${s}.entries e)), pg_has_role(c.relowner, 'USAGE'), l.patterns
    INTO STRICT epoch_id, current, head, can_vacuum, indexed
    FROM ${s}.log l, pg_class c WHERE c.oid = '${s}.entries'::regclass;

  removed := 0;
  IF epoch_id <> of_epoch OR NOT current THEN
    RETURN;
  END IF;

  WITH gone AS (
    DELETE FROM ${s}.entries e WHERE e.position = ANY (ARRAY(
      SELECT i.position FROM ${s}.entries i
      WHERE i.topic = of_topic COLLATE "C" AND i.position > after AND i.position <= up_to
      ORDER BY i.position LIMIT rows_max
    ))
    RETURNING e.position, e.bytes, e.total, e.records, e.record_total
  ), unindexed AS (
    DELETE FROM ${s}.by_pattern b USING gone g
    WHERE b.pattern = ANY (indexed) AND b.position = g.position
  )
  SELECT count(*) AS count, coalesce(sum(g.bytes), 0) AS bytes, max(g.position) AS position, max(g.total) AS total,
      max(g.records) AS records, max(g.record_total) AS record_total,
      (left(of_topic, 1) = '${RESERVED_TOPIC_PREFIX}')::int AS record
    INTO cut
    FROM gone g;
  removed := cut.count;
  last_removed := cut.position;
  IF removed > 0 THEN
    UPDATE ${s}.log l SET erased = l.erased + cut.count, erased_bytes = l.erased_bytes + cut.bytes,
      erased_records = l.erased_records + cut.record * cut.count,
      erased_record_bytes = l.erased_record_bytes + cut.record * cut.bytes,
      last_position = greatest(l.last_position, cut.position), last_total = greatest(l.last_total, cut.total),
      last_records = greatest(l.last_records, cut.records),
      last_record_total = greatest(l.last_record_total, cut.record_total);
  END IF;
END $$;
`;
}
