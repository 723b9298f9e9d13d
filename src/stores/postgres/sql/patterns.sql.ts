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
 * appends. So every append either precedes the declaration, or is indexed. The index of a dropped
 * pattern is removed.
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
  DELETE FROM ${s}.by_pattern b
    WHERE b.pattern = ANY (old.patterns) AND b.pattern <> ALL (coalesce(names, '{}'));
END $$;
`;
}
