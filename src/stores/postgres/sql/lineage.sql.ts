import { PAST_EPOCHS_MAX } from '../../../core/store.js';
import { quoted } from './names.js';

/**
 * The identity of the engine that wrote the log's row.
 *
 * `identity()` names the table of the log and the start of the server, which every role may read. A
 * server that was promoted, restored from a snapshot or recovered to a point in time has another
 * start. A restored dump has another table. So the next append or read detects each of these
 * changes, even if a pooler hides the lost connection. A plain restart also changes the identity.
 * It begins an epoch that continues the last one, which causes no gap.
 *
 * - `before`: the epochs that this one continues, newest first; see `Epoch.before`.
 * - `timeline`: the timeline of the server when the epoch began, null if the role cannot read it.
 *   It changes when a standby is promoted or a backup is recovered to a point in time. A restart
 *   does not change it.
 */
export function lineage(schema: string): string {
  const s = quoted(schema);
  return `
ALTER TABLE ${s}.log ADD COLUMN IF NOT EXISTS before jsonb NOT NULL DEFAULT '[]';
ALTER TABLE ${s}.log ADD COLUMN IF NOT EXISTS timeline text;
${identityFunction(schema)}
CREATE OR REPLACE FUNCTION ${s}.timeline() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN left(pg_walfile_name(pg_current_wal_lsn()), 8);
EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
  RETURN NULL;
END $$;
UPDATE ${s}.log SET identity = ${s}.identity(), timeline = ${s}.timeline() WHERE identity = '';
`;
}

/**
 * `synced`: true if the newest append waited for a synchronous standby. Such a standby has all
 * acknowledged entries. An append changes the value only if the settings of the server have
 * changed, so the row has few versions.
 */
export function syncedColumn(schema: string): string {
  return `ALTER TABLE ${quoted(schema)}.log ADD COLUMN synced boolean NOT NULL DEFAULT false;`;
}

/**
 * `date_part` calculates in floating point, which is exact for microseconds and faster than
 * `extract`.
 */
export function identityFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE OR REPLACE FUNCTION ${s}.identity() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT '${s}.log'::regclass::oid || ':' || (date_part('epoch', pg_postmaster_start_time()) * 1000000)::bigint
$$;`;
}

/**
 * Begins a new epoch. The caller holds the lock of appends, so the head is the last position of the
 * old epoch.
 *
 * - `keep`: the log holds the entries of the old epoch up to its head. Otherwise the new epoch
 *   continues no other.
 * - `loss`: acknowledged entries after the head are lost, or may be.
 *
 * `pastEpochs` of `shared/epoch.ts` does the same for other engines.
 */
export function renewFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE OR REPLACE FUNCTION ${s}.renew(keep boolean, loss boolean, OUT epoch_id text) LANGUAGE plpgsql AS $$
DECLARE
  old ${s}.log;
  head bigint;
  past jsonb := '[]';
BEGIN
  SELECT * INTO STRICT old FROM ${s}.log;
  IF keep THEN
    SELECT greatest(max(e.position), old.last_position) INTO head FROM ${s}.entries e;
    SELECT jsonb_agg(p.one ORDER BY p.n) INTO past FROM (
      SELECT 0 AS n, jsonb_build_object('id', old.epoch_id, 'secret', old.epoch_secret, 'upTo', head, 'lost', loss) AS one
      UNION ALL
      SELECT o.n, o.one || jsonb_build_object('upTo', least((o.one ->> 'upTo')::bigint, head),
        'lost', (o.one ->> 'lost')::boolean OR loss)
      FROM jsonb_array_elements(old.before) WITH ORDINALITY AS o (one, n)
      ORDER BY n LIMIT ${PAST_EPOCHS_MAX}
    ) p;
  END IF;
  epoch_id := gen_random_uuid();
  UPDATE ${s}.log l SET epoch_id = renew.epoch_id, before = past, identity = ${s}.identity(), timeline = ${s}.timeline(),
    epoch_secret = replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
END $$;
`;
}
