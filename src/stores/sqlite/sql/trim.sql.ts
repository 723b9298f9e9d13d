/** Removes the entries after `?1` (all before are gone) and up to `?2`: a range at the beginning of the tree. */
export const TRIM = `
DELETE FROM entries
WHERE position > ?1 AND position <= ?2
`;
