import { quoted } from './names.js';

/** The positions of ids, `$1`, in their order; null for one that the log does not hold. Each by index, as appends do. */
export function positionsOf(schema: string): string {
  const s = quoted(schema);
  return `
SELECT k.position, l.epoch_id, l.identity = ${s}.identity() AS current
FROM ${s}.log l
CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS d (id, n)
LEFT JOIN LATERAL (SELECT e.position FROM ${s}.entries e WHERE e.id = d.id COLLATE "C" LIMIT 1) k ON true
ORDER BY d.n
`;
}
