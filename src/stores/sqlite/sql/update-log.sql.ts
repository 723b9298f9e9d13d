/** `?1` head, `?2` trimmed, `?3` bytes kept. Under the write lock, so what it is computed from cannot have changed. */
export const UPDATE_LOG = `
UPDATE log SET head = ?1, trimmed = ?2, bytes = ?3
`;
