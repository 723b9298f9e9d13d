/**
 * `?1` head, `?2` trimmed, `?3` bytes kept; `?4`, `?5` records of the library among them, and their bytes. Under the write
 * lock, so what these are computed from cannot have changed.
 */
export const UPDATE_LOG = `
UPDATE log SET head = ?1, trimmed = ?2, bytes = ?3, records = ?4, record_bytes = ?5
`;
