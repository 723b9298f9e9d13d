import { quoted } from './names.js';

/**
 * The first read of a topic reads at least this many rows, because a lookup costs more than a row.
 */
const SHARE_MIN = 8;
/**
 * Bounds the growth of a range of positions, compared with the range before. Without this bound,
 * unevenly spread notifications could make a range too large.
 */
const GROWTH_MAX = 8;

/** Reads in the order of the log after a position, or newest first before a position. */
export type Direction = 'after' | 'before';

/**
 * The names of a read. `names` may have patterns besides topics. Reads of topics alone have
 * separate functions, so that they do not look into a second index.
 */
export type NameKind = 'topics' | 'names';

/** The parts of the statements that depend on the direction. */
const DIRECTIONS = {
  after: { choose: 'choose_page', order: 'ASC', beyond: '>', upTo: '<=', last: 'max', first: 'min', sign: '+' },
  before: { choose: 'choose_history', order: 'DESC', beyond: '<', upTo: '>=', last: 'min', first: 'max', sign: '-' },
} as const;

/**
 * Chooses the positions of a page: topics, start position, limit and bytes as in `readPage`.
 *
 * A read of `limit` rows of every topic would visit too many rows. So the first read takes a part
 * of `limit` from each topic. One of these parts ends nearest to the start position. The rows up to
 * that position show the density of rows. The sizes of the next ranges follow from that density.
 * All rows up to `horizon` have been read. The cost is the rows of the page, plus some lookups per
 * topic.
 *
 * Before a position, the same index is read backwards. A position beyond the head is replaced by
 * the first position after the head. Otherwise the density would be too low.
 *
 * The function is STABLE, so all its statements see the log at the moment of the calling statement.
 */
export function choosePageFunction(schema: string, direction: Direction, kind: NameKind = 'topics'): string {
  const s = quoted(schema);
  const { order, beyond, upTo, last, first, sign } = DIRECTIONS[direction];
  const choose = chooseFunction(direction, kind);
  const entries = (range: string, count: string): string => indexRows({ schema, kind, range, order, count });
  const start = direction === 'after' ? 'origin' : `least(origin, (SELECT max(e.position) + 1 FROM ${s}.entries e))`;
  return `
CREATE OR REPLACE FUNCTION ${s}.${choose}(
  topics text[], origin bigint, page_limit bigint, bytes_max bigint, OUT positions bigint[], OUT more boolean
) LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
  start bigint := ${start};
  share bigint := least(page_limit + 1, greatest(${SHARE_MIN}, 2 * page_limit / cardinality(topics)));
  horizon bigint;
  next bigint;
  found bigint[];
  sizes bigint[];
  range_found bigint[];
  range_sizes bigint[];
  total numeric;
BEGIN
  WITH slice AS MATERIALIZED (
    SELECT t.n, p.position, p.bytes
    FROM unnest(topics) WITH ORDINALITY AS t (topic, n)
    CROSS JOIN LATERAL (${entries(`e.position ${beyond} start`, 'share')}) p
  ), ended AS (
    SELECT ${first}(o.last) AS position
    FROM (SELECT ${last}(i.position) AS last FROM slice i GROUP BY i.n HAVING count(*) >= share) o
  )
  SELECT ended.position, array_agg(i.position ORDER BY i.position ${order}),
      array_agg(i.bytes ORDER BY i.position ${order}), sum(i.bytes)
    INTO horizon, found, sizes, total
    FROM ended JOIN slice i ON ended.position IS NULL OR i.position ${upTo} ended.position
    GROUP BY ended.position;

  WHILE horizon IS NOT NULL AND cardinality(found) <= page_limit AND (cardinality(found) < 2 OR total <= bytes_max) LOOP
    next := horizon ${sign} ceil(abs(horizon - start)
      * greatest(1, least(${GROWTH_MAX}, 1.3 * (page_limit + 1 - cardinality(found)) / cardinality(found))))::bigint;
    SELECT array_agg(o.position ORDER BY o.position ${order}), array_agg(o.bytes ORDER BY o.position ${order}),
        coalesce(sum(o.bytes), 0) + total
      INTO range_found, range_sizes, total
      FROM (
        SELECT p.position, p.bytes
        FROM unnest(topics) AS t (topic)
        CROSS JOIN LATERAL (${entries(
          `e.position ${beyond} horizon AND e.position ${upTo} next`,
          'page_limit + 1 - cardinality(found)',
        )}) p
        ORDER BY p.position ${order} LIMIT page_limit + 1 - cardinality(found)
      ) o;
    found := found || range_found;
    sizes := sizes || range_sizes;
    horizon := CASE WHEN EXISTS (SELECT FROM ${s}.entries e WHERE e.position ${beyond} next) THEN next END;
  END LOOP;

  SELECT array_agg(r.position ORDER BY r.n), count(*) < cardinality(found)
    INTO positions, more
    FROM (
      SELECT f.position, f.n, sum(f.bytes) OVER (ORDER BY f.n) AS bytes
      FROM unnest(found, sizes) WITH ORDINALITY AS f (position, bytes, n)
    ) r
    WHERE r.n <= page_limit AND (r.n = 1 OR r.bytes <= bytes_max);
END $$;
`;
}

function chooseFunction(direction: Direction, kind: NameKind): string {
  const { choose } = DIRECTIONS[direction];
  return kind === 'topics' ? choose : `${choose}_of_names`;
}

/** The rows of the index for one name in a range of positions. A name is a topic or a pattern. */
function indexRows(part: { schema: string; kind: NameKind; range: string; order: string; count: string }): string {
  const { schema, kind, range, order, count } = part;
  const s = quoted(schema);
  const rowsOf = (table: string, column: string): string => `
      SELECT e.position, e.bytes FROM ${s}.${table} e
      WHERE e.${column} = t.topic COLLATE "C" AND ${range}
      ORDER BY e.position ${order} LIMIT ${count}
    `;
  if (kind === 'topics') return rowsOf('entries', 'topic');
  return `
      SELECT e.position, e.bytes
      FROM ((${rowsOf('entries', 'topic')}) UNION ALL (${rowsOf('by_pattern', 'pattern')})) e
      ORDER BY e.position ${order} LIMIT ${count}
    `;
}

/** The position after which the indexes are complete: a pattern may have been declared later. */
function trimmedOf(kind: NameKind): string {
  if (kind === 'topics') return 'l.trimmed';
  return `greatest(l.trimmed, (
    SELECT max(coalesce(p.since, log_head.position, l.trimmed))
    FROM unnest($1::text[]) AS n (name)
    LEFT JOIN unnest(l.patterns, l.patterns_since) AS p (name, since) ON p.name = n.name
    WHERE right(n.name, 1) = '*'
  ))`;
}

/**
 * A page: `$1` topics, `$2` position, `$3` limit, `$4` bytes. It is one statement, so log, head and
 * entries are of one snapshot. The index alone decides the positions, and only entries of the page
 * are fetched. If the page has no entries, the result is one row with the log's columns.
 */
export function readPage(schema: string, direction: Direction, kind: NameKind = 'topics'): string {
  const s = quoted(schema);
  const { order } = DIRECTIONS[direction];
  return `
WITH page AS MATERIALIZED (
  SELECT * FROM ${s}.${chooseFunction(direction, kind)}($1::text[], $2::bigint, $3::bigint, $4::bigint)
)
SELECT l.epoch_id, l.identity = ${s}.identity() AS current, ${trimmedOf(kind)} AS trimmed,
  log_head.position AS head,
  coalesce(page.more, false) AS more,
  e.position, e.id, e.topic, e.bytes, e.json
FROM ${s}.log l
CROSS JOIN LATERAL (
  SELECT greatest(l.last_position, (SELECT max(h.position) FROM ${s}.entries h)) AS position
) log_head
CROSS JOIN page
LEFT JOIN LATERAL (
  SELECT x.* FROM unnest(page.positions) AS c (position)
  CROSS JOIN LATERAL (SELECT x.* FROM ${s}.entries x WHERE x.position = c.position LIMIT 1) x
) e ON true
ORDER BY e.position ${order}
`;
}

/** The statements of pages, by direction and by the kind of their names. */
export type ReadPages = Readonly<Record<Direction, Readonly<Record<NameKind, string>>>>;

export function readPages(schema: string): ReadPages {
  const of = (direction: Direction): ReadPages[Direction] => ({
    topics: readPage(schema, direction),
    names: readPage(schema, direction, 'names'),
  });
  return { after: of('after'), before: of('before') };
}
