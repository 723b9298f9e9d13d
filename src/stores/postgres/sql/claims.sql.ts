import { LOCK_CLASS, quoted } from './names.js';

/**
 * - `claims`: the claimed keys, by group and number; `shared/claims.ts` describes how they expire.
 * - `claims_state`: one row with the last number and the count of claims. Because of its lock,
 *   numbers follow the order of commits. It is a separate row, so that its dead versions do not
 *   slow reads of the log's row.
 */
export function claimsTables(schema: string): string {
  const s = quoted(schema);
  return `
CREATE TABLE ${s}.claims (
  key text COLLATE "C" PRIMARY KEY,
  ttl_group smallint NOT NULL,
  number bigint NOT NULL
);
CREATE INDEX claims_by_number ON ${s}.claims (ttl_group, number);
CREATE TABLE ${s}.claims_state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  last bigint NOT NULL DEFAULT 0,
  held bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO ${s}.claims_state DEFAULT VALUES;
`;
}

/**
 * Claims a key and removes expired claims: one call, one transaction.
 *
 * - `claim_key`, `claim_group`: the claim. `count_max`: bounds the claims in the table.
 * - `known_number`: the highest number that the node has received, in the epoch `known_epoch`.
 * - `expired_group`, `expired_up_to`: claims of this group up to this number have expired; null if
 *   none have. `removed_max`: bounds the claims that one call removes.
 * - If another engine wrote the log's row, the function claims nothing. The caller then calls
 *   `verify`, which begins a new epoch. A new epoch also begins if the database has lost
 *   acknowledged claims. Tickets are sealed with the epoch, so a new epoch makes all of them
 *   invalid.
 * - `claim_number`: null if the key was claimed before, -1 if there are too many claims.
 *
 * If the key is already claimed, the function does not wait for the lock of `claims_state`.
 */
export function claimFunction(schema: string): string {
  const s = quoted(schema);
  return `
DROP FUNCTION IF EXISTS ${s}.claim(text, integer, bigint, text, bigint, integer, bigint, integer, text, text, integer);
DROP FUNCTION IF EXISTS ${s}.claim(text, integer, bigint, text, bigint, integer, bigint, integer, integer);
CREATE FUNCTION ${s}.claim(
  claim_key text, claim_group integer, count_max bigint,
  known_epoch text, known_number bigint, expired_group integer, expired_up_to bigint, removed_max integer,
  wait_ms integer,
  OUT epoch_id text, OUT claim_number bigint, OUT removed bigint
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  state ${s}.claims_state;
  engine text;
  now_epoch text;
BEGIN
  removed := 0;
  SELECT l.epoch_id, l.identity INTO STRICT epoch_id, engine FROM ${s}.log l;
  IF EXISTS (SELECT FROM ${s}.claims c WHERE c.key = claim_key COLLATE "C") THEN
    RETURN;
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'claiming needs the isolation level read committed' USING ERRCODE = '25001';
  END IF;
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);
  SELECT * INTO STRICT state FROM ${s}.claims_state FOR UPDATE;

  IF engine <> ${s}.identity() THEN
    RAISE EXCEPTION 'another engine wrote the log' USING ERRCODE = 'P0002';
  END IF;
  IF known_epoch = epoch_id AND state.last < known_number THEN
    PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, '${s}.log'::regclass::oid::int4);
    SELECT l.epoch_id INTO STRICT now_epoch FROM ${s}.log l;
    -- Another call may have renewed the epoch while this one waited.
    IF now_epoch = epoch_id THEN
      now_epoch := ${s}.renew(true, false);
    END IF;
    epoch_id := now_epoch;
  END IF;

  IF known_epoch = epoch_id AND expired_group IS NOT NULL THEN
    DELETE FROM ${s}.claims c USING (
      SELECT o.key FROM ${s}.claims o
      WHERE o.ttl_group = expired_group AND o.number <= expired_up_to ORDER BY o.number LIMIT removed_max
    ) old WHERE c.key = old.key;
    GET DIAGNOSTICS removed = ROW_COUNT;
  END IF;

  IF EXISTS (SELECT FROM ${s}.claims c WHERE c.key = claim_key COLLATE "C") THEN
    claim_number := NULL;
  ELSIF state.held - removed >= count_max THEN
    claim_number := -1;
  ELSE
    claim_number := state.last + 1;
    INSERT INTO ${s}.claims (key, ttl_group, number) VALUES (claim_key, claim_group, claim_number);
  END IF;
  UPDATE ${s}.claims_state u
    SET last = greatest(state.last, claim_number), held = state.held - removed + (claim_number > 0 IS TRUE)::int
    WHERE removed > 0 OR claim_number > 0;
END $$;
`;
}
