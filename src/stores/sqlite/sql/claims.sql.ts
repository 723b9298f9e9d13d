/** Whether a key, `?1`, is claimed. */
export const IS_CLAIMED = `
SELECT 1 FROM claims WHERE key = ?1
`;

/** Claims of a group, `?1`, up to a number, `?2`: the number of the last of them, and how many they are; at most `?3`. */
export const EXPIRED_CLAIMS = `
SELECT count(*) AS count, max(number) AS upTo
FROM (SELECT number FROM claims WHERE ttl_group = ?1 AND number <= ?2 ORDER BY number LIMIT ?3)
`;

/** `?1` group, `?2` number of the last one. */
export const REMOVE_CLAIMS = `
DELETE FROM claims WHERE ttl_group = ?1 AND number <= ?2
`;

/** `?1` key, `?2` group, `?3` number. */
export const ADD_CLAIM = `
INSERT INTO claims (key, ttl_group, number) VALUES (?1, ?2, ?3)
`;

/** `?1` the last number, `?2` claims held. */
export const UPDATE_CLAIMS = `
UPDATE log SET claims = ?1, claims_held = ?2
`;
