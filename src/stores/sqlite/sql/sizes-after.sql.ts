/**
 * The next entries of all topics without their texts: `?1` position, `?2` how many. Tells how many entries fit in
 * memory, and which of them retention lets go.
 */
export const SIZES_AFTER = `
SELECT position, topic, bytes, time_ms AS timeMs
FROM entries
WHERE position > ?1
ORDER BY position
LIMIT ?2
`;
