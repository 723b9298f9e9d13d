/**
 * Where one topic goes on: `?1` topic, `?2` position, `?3` how many. Answered from the index `by_topic` alone, so its
 * cost is the rows it gives. A page of several topics merges several of these: `topic IN (…) ORDER BY position` would
 * collect and sort everything that follows the cursor before it cut off the page.
 */
export const TOPIC_POSITIONS = `
SELECT position, bytes
FROM entries
WHERE topic = ?1 AND position > ?2
ORDER BY position
LIMIT ?3
`;
