/** The entries of all topics after `?1` and up to `?2`. */
export const ENTRIES_BETWEEN = `
SELECT position, id, topic, json, bytes
FROM entries
WHERE position > ?1 AND position <= ?2
ORDER BY position
`;
