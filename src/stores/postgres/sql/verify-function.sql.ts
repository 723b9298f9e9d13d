import { LOCK_CLASS, quoted } from './names.js';

/**
 * Checks that the log is still the log that the node follows, and renews the epoch if it is not. A
 * node calls this at its start, after each loss of a connection, and when an answer names another
 * epoch or engine. The result is the epoch with the epochs that it continues.
 *
 * - `seen_*`: the last entry that the caller knows, or null. The log must hold it with the same id,
 *   unless it was removed. `seen_id` is null if the id is unknown.
 * - `lost`: true if acknowledged entries are lost, or may be. Only one call reports each loss.
 *
 * If entries are missing after a change of the engine, that change lost them. The old epoch then
 * stays valid up to its head. If an entry is missing without such a change, it was removed by hand,
 * and other nodes may have appended since. Then no part of the epoch stays valid.
 *
 * A promoted standby may lack entries that the old primary acknowledged. A caller that followed the
 * log knows only the entries that it has read. So after a change of the timeline, entries may be
 * lost unless `synced` proves that a synchronous standby was in force. Recovery to a point in time
 * also changes the timeline. A node that has just started cannot recognise a loss by that recovery.
 * So if such a node is the first to detect the change, `synced` proves nothing.
 */
export function verifyFunction(schema: string): string {
  const s = quoted(schema);
  return `
DROP FUNCTION IF EXISTS ${s}.verify(text, bigint, text, text, text, integer);
DROP FUNCTION IF EXISTS ${s}.verify(text, bigint, text, integer);
CREATE FUNCTION ${s}.verify(
  seen_epoch text, seen_position bigint, seen_id text, wait_ms integer,
  OUT epoch_id text, OUT epoch_secret text, OUT before text, OUT lost boolean
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  known ${s}.log;
  past jsonb;
  head bigint;
  is_moved boolean;
  is_promoted boolean;
  keep boolean := true;
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby' USING ERRCODE = '25006';
  END IF;
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);
  PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, '${s}.log'::regclass::oid::int4);
  SELECT * INTO STRICT known FROM ${s}.log;
  SELECT greatest(max(e.position), known.last_position) INTO head FROM ${s}.entries e;
  is_moved := known.identity <> ${s}.identity();
  is_promoted := is_moved AND coalesce(known.timeline <> ${s}.timeline(), false);
  lost := is_promoted AND (seen_epoch IS NULL OR NOT known.synced);

  IF seen_epoch = known.epoch_id THEN
    IF seen_position > head THEN
      lost := is_moved;
      keep := is_moved;
    END IF;
  ELSIF seen_epoch IS NOT NULL THEN
    SELECT o.one INTO past FROM jsonb_array_elements(known.before) AS o (one) WHERE o.one ->> 'id' = seen_epoch;
    lost := lost OR coalesce(seen_position > (past ->> 'upTo')::bigint AND NOT (past ->> 'lost')::boolean, false);
    head := least(head, (past ->> 'upTo')::bigint);
  END IF;
  IF (seen_epoch = known.epoch_id OR past IS NOT NULL) AND seen_position > known.trimmed AND seen_position <= head THEN
    keep := coalesce((
      SELECT seen_id IS NULL OR e.id = seen_id COLLATE "C" FROM ${s}.entries e WHERE e.position = seen_position
    ), known.erased > 0);
  END IF;

  IF is_moved OR lost OR NOT keep THEN
    PERFORM ${s}.renew(keep, lost);
  END IF;
  SELECT l.epoch_id, l.epoch_secret, l.before INTO STRICT epoch_id, epoch_secret, before FROM ${s}.log l;
END $$;
`;
}
