/** The entry at a position, `?1`. */
export const ENTRY_AT = `
SELECT position, id, topic, json, bytes
FROM entries
WHERE position = ?1
`;
