import { LOCK_CLASS, quoted } from './names.js';

/**
 * Moves what transactions of the application have published into the log, and gives how many rows it moved. Removal and
 * append are one transaction under the lock of appends, so any number of nodes may try at once: the first moves, the
 * others find nothing. `SKIP LOCKED` passes by rows that somebody else holds, instead of holding up all appends.
 *
 * Positions are given here, after the application's transaction has committed: however long that took, they follow
 * everything that was visible before.
 */
export function moveOutboxFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE FUNCTION ${s}.move_outbox(rows_max integer, wait_ms integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  ids text[];
  topics text[];
  jsons text[];
  moved integer;
BEGIN
  IF NOT EXISTS (SELECT FROM ${s}.outbox) THEN
    RETURN 0;
  END IF;
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);
  PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, '${s}.log'::regclass::oid::int4);

  WITH next AS MATERIALIZED (
    SELECT o.number FROM ${s}.outbox o ORDER BY o.number LIMIT rows_max FOR UPDATE SKIP LOCKED
  ), removed AS (
    DELETE FROM ${s}.outbox o USING next WHERE o.number = next.number RETURNING o.number, o.drafts
  ), draft AS (
    SELECT r.number, d.n, d.draft FROM removed r, json_array_elements(r.drafts) WITH ORDINALITY AS d (draft, n)
  )
  SELECT array_agg(d.draft ->> 'id' ORDER BY d.number, d.n), array_agg(d.draft ->> 'topic' ORDER BY d.number, d.n),
    array_agg(d.draft ->> 'json' ORDER BY d.number, d.n), (SELECT count(*) FROM removed)
    INTO ids, topics, jsons, moved
    FROM draft d;

  IF ids IS NOT NULL THEN
    PERFORM ${s}.append(ids, topics, jsons, wait_ms);
  END IF;
  RETURN moved;
END $$;
`;
}
