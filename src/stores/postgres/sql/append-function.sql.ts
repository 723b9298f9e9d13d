import { RESERVED_TOPIC_PREFIX } from '../../../core/revocation.js';
import { channelOf, LOCK_CLASS, quoted } from './names.js';

/**
 * Appends drafts: one call, one round trip, one transaction.
 *
 * The lock is what makes the order of positions the order of commits. PostgreSQL lets go of it only after the transaction
 * has become visible, so whoever is given the next position comes after everybody with a lower one, for every reader. It
 * must be taken in a statement of its own: the one after it then sees all that was committed while it waited. (A snapshot
 * for the whole transaction would not, hence the check of the isolation.)
 *
 * - `ids`, `topics`, `jsons`: the drafts. `wait_ms`: how long to wait for the lock.
 * - An id that stands in the log, or before in the same call, gives its position and `duplicates` true.
 * - The wake-up says nothing but that there is something to read, and comes with the commit, so once for the whole call.
 * - `LATERAL … LIMIT 1` looks up each id by index: plans of functions are kept, and one that was made when the table was
 *   empty would read it all. So would a sequential scan, hence the settings; what they make look expensive must not be
 *   compiled each time either (`jit`).
 */
export function appendFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE OR REPLACE FUNCTION ${s}.append(
  ids text[], topics text[], jsons text[], wait_ms integer,
  OUT epoch_id text, OUT epoch_secret text, OUT before bigint, OUT head bigint,
  OUT positions bigint[], OUT duplicates boolean[]
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  last_total bigint;
  last_records bigint;
  last_record_total bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'appending needs the isolation level read committed' USING ERRCODE = '25001';
  END IF;
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);
  PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, '${s}.log'::regclass::oid::int4);

  SELECT l.epoch_id, l.epoch_secret, coalesce(e.position, l.trimmed), coalesce(e.total, l.total),
      coalesce(e.records, l.records), coalesce(e.record_total, l.record_total)
    INTO STRICT epoch_id, epoch_secret, before, last_total, last_records, last_record_total
    FROM ${s}.log l
    LEFT JOIN LATERAL (SELECT i.position, i.total, i.records, i.record_total FROM ${s}.entries i ORDER BY i.position DESC LIMIT 1) e ON true;

  WITH draft AS MATERIALIZED (
    SELECT d.id, d.topic, d.json, d.n, min(d.n) OVER (PARTITION BY d.id COLLATE "C") AS first_n
    FROM unnest(ids, topics, jsons) WITH ORDINALITY AS d (id, topic, json, n)
  ), known AS MATERIALIZED (
    SELECT d.n, k.position
    FROM draft d
    CROSS JOIN LATERAL (SELECT e.position FROM ${s}.entries e WHERE e.id = d.id COLLATE "C" LIMIT 1) k
  ), fresh AS MATERIALIZED (
    SELECT d.n, d.id, d.topic, d.json, octet_length(d.json) AS bytes, before + row_number() OVER (ORDER BY d.n) AS position,
      (left(d.topic, 1) = '${RESERVED_TOPIC_PREFIX}')::int AS record
    FROM draft d
    LEFT JOIN known k ON k.n = d.n
    WHERE d.n = d.first_n AND k.n IS NULL
  ), inserted AS (
    INSERT INTO ${s}.entries (position, topic, id, time, bytes, total, records, record_total, json)
    SELECT f.position, f.topic, f.id, clock_timestamp(), f.bytes, last_total + sum(f.bytes) OVER w,
      last_records + sum(f.record) OVER w, last_record_total + sum(f.record * f.bytes) OVER w, f.json
    FROM fresh f
    WINDOW w AS (ORDER BY f.n)
    ORDER BY f.n
  )
  SELECT array_agg(coalesce(k.position, f.position) ORDER BY d.n), array_agg(f.n IS DISTINCT FROM d.n ORDER BY d.n),
    coalesce(max(f.position), before)
    INTO positions, duplicates, head
    FROM draft d
    LEFT JOIN known k ON k.n = d.n
    LEFT JOIN fresh f ON f.n = d.first_n;

  IF head > before THEN
    PERFORM pg_notify('${channelOf(schema)}', '');
  END IF;
END $$;
`;
}
