import { LOCK_CLASS, quoted } from './names.js';

/**
 * Makes sure that the log is the one that was followed before, or renews its epoch. Called at the start and after every
 * loss of a connection.
 *
 * - `identity`: cluster, timeline and table. Another cluster or table is a copy that was restored; another timeline is a
 *   standby that was promoted or a recovery to a point in time: either may lack what had been acknowledged. A role that
 *   may not ask for cluster and timeline (some hosted services) still knows the table. The timeline is that of the log
 *   being written: the control file may be behind for a while after a promotion.
 * - `seen_*`: the last entry that the caller knows. It must still be there, with the same id, unless retention took it.
 * - `new_*`: the epoch to begin if need be.
 */
export function verifyFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE FUNCTION ${s}.verify(
  seen_epoch text, seen_position bigint, seen_id text, new_id text, new_secret text, wait_ms integer,
  OUT epoch_id text, OUT epoch_secret text
) LANGUAGE plpgsql AS $$
DECLARE
  now_identity text := '${s}.log'::regclass::oid;
  known ${s}.log;
  head bigint;
  found_id text;
BEGIN
  BEGIN
    SELECT now_identity || ':' || c.system_identifier || ':' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
      INTO now_identity
      FROM pg_control_system() c;
  EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    NULL;
  END;
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);
  PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, '${s}.log'::regclass::oid::int4);
  SELECT * INTO STRICT known FROM ${s}.log;
  SELECT coalesce(max(e.position), known.trimmed) INTO head FROM ${s}.entries e;
  SELECT e.id INTO found_id FROM ${s}.entries e WHERE e.position = seen_position;

  IF known.identity NOT IN ('', now_identity) OR (
    seen_epoch = known.epoch_id
    AND (head < seen_position OR (seen_position > known.trimmed AND found_id IS DISTINCT FROM seen_id))
  ) THEN
    known.epoch_id := new_id;
    known.epoch_secret := new_secret;
  END IF;
  UPDATE ${s}.log l SET epoch_id = known.epoch_id, epoch_secret = known.epoch_secret, identity = now_identity
    WHERE (l.epoch_id, l.identity) IS DISTINCT FROM (known.epoch_id, now_identity);
  epoch_id := known.epoch_id;
  epoch_secret := known.epoch_secret;
END $$;
`;
}
