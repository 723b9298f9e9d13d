import { MOVE_LOCK_CLASS, quoted } from './names.js';

/**
 * - `outbox.bytes`: the size of a publication. It bounds a batch before the publications are read.
 * - `outbox_rejected`: publications that could not be moved, with the code of the error.
 */
export function outboxBounds(schema: string): string {
  const s = quoted(schema);
  return `
ALTER TABLE ${s}.outbox ADD COLUMN IF NOT EXISTS bytes integer NOT NULL DEFAULT 0;
UPDATE ${s}.outbox SET bytes = octet_length(drafts::text) WHERE bytes = 0;
CREATE TABLE IF NOT EXISTS ${s}.outbox_rejected (
  number bigint PRIMARY KEY,
  drafts json NOT NULL,
  error text NOT NULL,
  time timestamptz NOT NULL DEFAULT now()
);
`;
}

/**
 * Moves publications of committed transactions into the log: at most `rows_max` publications and
 * `bytes_max` bytes, but at least one. Removal and append are one transaction, so each publication
 * is moved exactly once. Only one node at a time moves publications; on the other nodes the
 * function does nothing. The function reads and parses publications before `append` takes the lock
 * of appends.
 *
 * Positions are assigned here, after the application's transaction has committed. So they follow
 * all notifications that were visible before, even after a long transaction.
 *
 * If a batch cannot be appended, its publications are moved one by one. A publication that cannot
 * be appended alone is moved to `outbox_rejected`, so that it does not stop the later ones.
 *
 * - `moved`, `rejected`: numbers of publications.
 * - `entries`, `bytes`: the notifications of the moved publications, and their bytes of JSON. The
 *   node counts them to know when retention is due.
 */
export function moveOutboxFunction(schema: string): string {
  const s = quoted(schema);
  const blamesValues = 'data_exception OR integrity_constraint_violation OR program_limit_exceeded OR internal_error';
  return `
DROP FUNCTION IF EXISTS ${s}.move_outbox(integer, integer);
DROP FUNCTION IF EXISTS ${s}.move_outbox(integer, bigint, integer);
DROP FUNCTION IF EXISTS ${s}.move_publications(bigint[], integer);
CREATE FUNCTION ${s}.move_publications(numbers bigint[], wait_ms integer, OUT entries bigint, OUT bytes bigint)
LANGUAGE plpgsql AS $$
DECLARE
  ids text[];
  topics text[];
  jsons text[];
BEGIN
  WITH removed AS (
    DELETE FROM ${s}.outbox o WHERE o.number = ANY (numbers) RETURNING o.number, o.drafts
  ), draft AS (
    SELECT r.number, d.n, d.draft FROM removed r, json_array_elements(r.drafts) WITH ORDINALITY AS d (draft, n)
  )
  SELECT array_agg(d.draft ->> 'id' ORDER BY d.number, d.n), array_agg(d.draft ->> 'topic' ORDER BY d.number, d.n),
    array_agg(d.draft ->> 'json' ORDER BY d.number, d.n), count(*), coalesce(sum(octet_length(d.draft ->> 'json')), 0)
    INTO ids, topics, jsons, entries, bytes
    FROM draft d;
  IF ids IS NOT NULL THEN
    PERFORM ${s}.append(ids, topics, jsons, wait_ms, NULL, NULL);
  END IF;
END $$;

CREATE FUNCTION ${s}.move_outbox(
  rows_max integer, bytes_max bigint, wait_ms integer,
  OUT moved integer, OUT rejected integer, OUT entries bigint, OUT bytes bigint
) LANGUAGE plpgsql AS $$
DECLARE
  numbers bigint[];
  next bigint;
  one record;
  code text;
BEGIN
  moved := 0;
  rejected := 0;
  entries := 0;
  bytes := 0;
  IF NOT EXISTS (SELECT FROM ${s}.outbox)
    OR NOT pg_try_advisory_xact_lock(${MOVE_LOCK_CLASS}, '${s}.log'::regclass::oid::int4) THEN
    RETURN;
  END IF;
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);

  SELECT array_agg(r.number ORDER BY r.number) INTO numbers FROM (
    SELECT o.number, row_number() OVER w AS n, sum(o.bytes) OVER w AS bytes
    FROM (SELECT b.number, b.bytes FROM ${s}.outbox b ORDER BY b.number LIMIT rows_max) o
    WINDOW w AS (ORDER BY o.number)
  ) r WHERE r.n = 1 OR r.bytes <= bytes_max;
  IF numbers IS NULL THEN
    RETURN;
  END IF;

  BEGIN
    SELECT * INTO one FROM ${s}.move_publications(numbers, wait_ms);
    moved := cardinality(numbers);
    entries := one.entries;
    bytes := one.bytes;
    RETURN;
  EXCEPTION WHEN ${blamesValues} THEN
    NULL;
  END;
  FOREACH next IN ARRAY numbers LOOP
    BEGIN
      SELECT * INTO one FROM ${s}.move_publications(ARRAY[next], wait_ms);
      moved := moved + 1;
      entries := entries + one.entries;
      bytes := bytes + one.bytes;
    EXCEPTION WHEN ${blamesValues} THEN
      code := SQLSTATE;
      WITH removed AS (DELETE FROM ${s}.outbox o WHERE o.number = next RETURNING o.number, o.drafts)
      INSERT INTO ${s}.outbox_rejected (number, drafts, error) SELECT r.number, r.drafts, code FROM removed r;
      rejected := rejected + 1;
    END;
  END LOOP;
END $$;
`;
}
