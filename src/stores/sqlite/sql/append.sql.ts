/** One entry: `?1` position, `?2` topic, `?3` id, `?4` time in milliseconds, `?5` bytes of JSON, `?6` JSON. */
export const APPEND = `
INSERT INTO entries (position, topic, id, time_ms, bytes, json)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
`;
