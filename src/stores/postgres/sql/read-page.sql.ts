import { quoted } from './names.js';

/**
 * A page: `$1` topics, `$2` position, `$3` limit, `$4` bytes. One statement, so log, head and entries are of one moment.
 *
 * Each topic is read by index, as far as a page could go (`topic = ANY … ORDER BY position` would collect and sort
 * everything that follows the cursor); what goes on the page is decided in the index alone, and only that is fetched.
 * The log's row comes also when there are no entries.
 */
export function readPage(schema: string): string {
  const s = quoted(schema);
  return `
WITH place AS MATERIALIZED (
  SELECT p.position, p.bytes
  FROM unnest($1::text[]) AS t (topic)
  CROSS JOIN LATERAL (
    SELECT e.position, e.bytes FROM ${s}.entries e
    WHERE e.topic = t.topic COLLATE "C" AND e.position > $2::bigint
    ORDER BY e.position LIMIT $3::bigint + 1
  ) p
  ORDER BY p.position LIMIT $3::bigint + 1
), running AS MATERIALIZED (
  SELECT position, row_number() OVER w AS n, sum(bytes) OVER w AS bytes FROM place WINDOW w AS (ORDER BY position)
), chosen AS MATERIALIZED (
  SELECT position FROM running WHERE n <= $3::bigint AND (n = 1 OR bytes <= $4::bigint)
)
SELECT l.epoch_id, l.identity = ${s}.identity() AS current, l.trimmed,
  (SELECT max(h.position) FROM ${s}.entries h) AS head,
  (SELECT count(*) FROM running) > (SELECT count(*) FROM chosen) AS more,
  e.position, e.id, e.topic, e.bytes, e.json
FROM ${s}.log l
LEFT JOIN (
  chosen c CROSS JOIN LATERAL (SELECT x.* FROM ${s}.entries x WHERE x.position = c.position LIMIT 1) e
) ON true
ORDER BY e.position
`;
}
