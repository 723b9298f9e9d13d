import { PATTERNS_MAX } from '../../../core/patterns.js';
import { LOCK_CLASS, quoted } from './names.js';

/**
 * - `log.patterns`: the declared patterns, the oldest declaration first. `log.patterns_since`: for
 *   each of them, the position after which it is indexed. They are columns of the log's row,
 *   because every append reads that row.
 * - `by_pattern`: one row for each entry and each pattern that matches its topic. It holds `bytes`,
 *   so the index alone decides which entries a page holds, as with `by_topic`.
 */
export function patternTables(schema: string): string {
  const s = quoted(schema);
  return `
ALTER TABLE ${s}.log ADD COLUMN patterns text[] NOT NULL DEFAULT '{}', ADD COLUMN patterns_since bigint[] NOT NULL DEFAULT '{}';
CREATE TABLE ${s}.by_pattern (
  pattern text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  bytes integer NOT NULL,
  PRIMARY KEY (pattern, position) INCLUDE (bytes)
);
`;
}

/**
 * Declares patterns, as `afterDeclaration` of `core/patterns.ts` does. The lock is the lock of
 * appends. So every append either precedes the declaration, or is indexed. `unindex_patterns` later
 * removes the index of a dropped pattern, because appends would wait for it here.
 */
export function indexPatternsFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE OR REPLACE FUNCTION ${s}.index_patterns(declared text[], wait_ms integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  old record;
  names text[];
  positions bigint[];
BEGIN
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true);
  PERFORM pg_advisory_xact_lock(${LOCK_CLASS}, '${s}.log'::regclass::oid::int4);
  SELECT l.patterns, l.patterns_since, greatest(l.last_position, (SELECT max(e.position) FROM ${s}.entries e)) AS head
    INTO STRICT old FROM ${s}.log l;
  SELECT array_agg(k.name ORDER BY k.n), array_agg(k.since ORDER BY k.n)
    INTO names, positions
    FROM (
      SELECT o.name, o.since, o.n
      FROM unnest(old.patterns, old.patterns_since) WITH ORDINALITY AS o (name, since, n)
      WHERE o.name <> ALL (declared)
      UNION ALL
      SELECT d.name, coalesce(min(o.since), old.head), ${PATTERNS_MAX} + min(d.n)
      FROM unnest(declared) WITH ORDINALITY AS d (name, n)
      LEFT JOIN unnest(old.patterns, old.patterns_since) AS o (name, since) ON o.name = d.name
      GROUP BY d.name
      ORDER BY n DESC LIMIT ${PATTERNS_MAX}
    ) k;
  UPDATE ${s}.log SET patterns = coalesce(names, '{}'), patterns_since = coalesce(positions, '{}');
END $$;
`;
}

/**
 * Removes rows that no declared pattern needs, at most `rows_max`: all rows of a dropped pattern.
 * If a pattern was dropped and then declared again, its rows up to `since` are removed. Nothing
 * waits for it. One statement reads the declaration and deletes. So a row that an append adds after
 * a new declaration is not removed.
 *
 * - `of_pattern`, `after`: the function continues after this row, in the order of the key.
 * - `pattern`, `last_removed`: the last removed row. `pattern` is null if nothing is left.
 */
export function unindexPatternsFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE FUNCTION ${s}.unindex_patterns(
  of_pattern text, after bigint, rows_max integer, OUT pattern text, OUT last_removed bigint
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
  pattern := of_pattern;
  LOOP
    WITH gone AS (
      DELETE FROM ${s}.by_pattern b
      WHERE b.pattern = unindex_patterns.pattern COLLATE "C" AND b.position = ANY (ARRAY(
        SELECT i.position FROM ${s}.by_pattern i
        WHERE i.pattern = unindex_patterns.pattern COLLATE "C" AND i.position > after AND i.position <= coalesce((
          SELECT p.since FROM ${s}.log l CROSS JOIN unnest(l.patterns, l.patterns_since) AS p (name, since)
          WHERE p.name = unindex_patterns.pattern
        ), ${Number.MAX_SAFE_INTEGER})
        ORDER BY i.position LIMIT rows_max
      ))
      RETURNING b.position
    )
    SELECT max(g.position) INTO last_removed FROM gone g;
    EXIT WHEN last_removed IS NOT NULL;
    pattern := (
      SELECT i.pattern FROM ${s}.by_pattern i
      WHERE i.pattern > unindex_patterns.pattern COLLATE "C" ORDER BY i.pattern LIMIT 1
    );
    EXIT WHEN pattern IS NULL;
    after := 0;
  END LOOP;
END $$;
`;
}
