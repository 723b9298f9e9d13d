import { quoted } from './names.js';

/**
 * Reads entries of all topics after the position `$1`, by key: at most `$2` entries and `$3` bytes.
 * `outbox`: the outbox holds publications of transactions.
 */
export function readAfter(schema: string): string {
  const s = quoted(schema);
  return `
WITH running AS MATERIALIZED (
  SELECT position, row_number() OVER w AS n, sum(bytes) OVER w AS bytes
  FROM (
    SELECT e.position, e.bytes FROM ${s}.entries e WHERE e.position > $1::bigint ORDER BY e.position LIMIT $2::bigint + 1
  ) next
  WINDOW w AS (ORDER BY position)
), chosen AS MATERIALIZED (
  SELECT position FROM running WHERE n <= $2::bigint AND (n = 1 OR bytes <= $3::bigint)
)
SELECT l.epoch_id, l.identity = ${s}.identity() AS current, l.trimmed,
  greatest(l.last_position, (SELECT max(h.position) FROM ${s}.entries h)) AS head,
  (SELECT count(*) FROM running) > (SELECT count(*) FROM chosen) AS more,
  EXISTS (SELECT FROM ${s}.outbox) AS outbox,
  e.position, e.id, e.topic, e.bytes, e.json
FROM ${s}.log l
LEFT JOIN (
  chosen c CROSS JOIN LATERAL (SELECT x.* FROM ${s}.entries x WHERE x.position = c.position LIMIT 1) e
) ON true
ORDER BY e.position
`;
}
