/** Ids of the entries after `?1`, at most `?2`: what other processes have appended since this one looked last. */
export const IDS_AFTER = `
SELECT position, id, time_ms AS timeMs
FROM entries
WHERE position > ?1
ORDER BY position
LIMIT ?2
`;
