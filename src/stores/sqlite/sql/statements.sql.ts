/**
 * The statements of the SQLite store; the schema is in `schema.sql.ts`. Statements that write run
 * under the write lock, so their values cannot be outdated.
 */

// The log.

/** The application that made the file, its version, and the number of its tables. */
export const FILE_VERSION = `
SELECT application_id AS application, user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables
FROM pragma_application_id, pragma_user_version
`;

/** `?1` epoch's id, `?2` its secret. Of two processes that create the row, the first one wins. */
export const CREATE_LOG = `
INSERT INTO log (one, epoch_id, epoch_secret, file, head, trimmed, bytes)
VALUES (1, ?1, ?2, '', 0, 0, 0)
ON CONFLICT (one) DO NOTHING
`;

/**
 * The state of the log. `?1` is the epoch whose past epochs the reader already knows. The statement
 * reads the past epochs only if the epoch has changed.
 */
export const READ_LOG = `
SELECT epoch_id AS epochId, epoch_secret AS epochSecret, file, head, trimmed, removed, bytes,
  records, record_bytes AS recordBytes,
  claims, claims_held AS claimsHeld,
  CASE WHEN epoch_id <> ?1 THEN (
    SELECT json_group_array(json_object('id', id, 'secret', secret, 'upTo', up_to, 'lost', lost))
    FROM (SELECT * FROM past_epochs ORDER BY number)
  ) END AS past
FROM log
`;

/**
 * `?1` head, `?2` trimmed, `?3` bytes kept, `?4` records of the library, `?5` their bytes, `?6`
 * removed entries above trimmed.
 */
export const UPDATE_LOG = `
UPDATE log SET head = ?1, trimmed = ?2, bytes = ?3, records = ?4, record_bytes = ?5, removed = ?6
`;

/**
 * Adds `?1` to the bytes kept. An addition and its opposite write the page of the log without a
 * change. An UPDATE with the same values would write no page.
 */
export const ADD_BYTES = `
UPDATE log SET bytes = bytes + ?1
`;

/** `?1` identity of the file. The next opening compares it with the file that it finds. */
export const SET_FILE = `
UPDATE log SET file = ?1
`;

// Entries.

/** `?1` position, `?2` topic, `?3` id, `?4` time in milliseconds, `?5` bytes of JSON, `?6` JSON. */
export const APPEND = `
INSERT INTO entries (position, topic, id, time_ms, bytes, json)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
`;

/** The entry at a position, `?1`. */
export const ENTRY_AT = `
SELECT position, id, topic, json, bytes
FROM entries
WHERE position = ?1
`;

/** The entries of all topics after `?1` and up to `?2`. */
export const ENTRIES_BETWEEN = `
SELECT position, id, topic, json, bytes
FROM entries
WHERE position > ?1 AND position <= ?2
ORDER BY position
`;

/** Ids of the entries after `?1`, at most `?2`. */
export const IDS_AFTER = `
SELECT position, id, time_ms AS timeMs
FROM entries
WHERE position > ?1
ORDER BY position
LIMIT ?2
`;

/** The next entries of all topics without their JSON: `?1` position, `?2` number of entries. */
export const SIZES_AFTER = `
SELECT position, topic, bytes, time_ms AS timeMs
FROM entries
WHERE position > ?1
ORDER BY position
LIMIT ?2
`;

/**
 * The next positions of one topic: `?1` topic, `?2` position, `?3` number of positions. The index
 * `by_topic` alone gives the result, so the cost is the number of rows. A page of several topics
 * merges several of these results. A query with `topic IN (…) ORDER BY position` would first sort
 * all entries after the cursor.
 */
export const TOPIC_POSITIONS = `
SELECT position, bytes
FROM entries
WHERE topic = ?1 AND position > ?2
ORDER BY position
LIMIT ?3
`;

/** Like `TOPIC_POSITIONS`, but before a position and newest first. The index is read backwards. */
export const TOPIC_POSITIONS_BEFORE = `
SELECT position, bytes
FROM entries
WHERE topic = ?1 AND position < ?2
ORDER BY position DESC
LIMIT ?3
`;

/** Removes the entries after `?1` and up to `?2`: a range at the beginning of the tree. */
export const TRIM = `
DELETE FROM entries
WHERE position > ?1 AND position <= ?2
`;

// Patterns of topics.

/** The declared patterns, in the order of their declarations. */
export const PATTERNS = `
SELECT id, name, since FROM patterns ORDER BY declared
`;

/** `?1` name, `?2` the position after which it is indexed, `?3` order of its declaration. */
export const ADD_PATTERN = `
INSERT INTO patterns (name, since, declared) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET declared = excluded.declared
`;

/** `?1` number of the pattern. */
export const REMOVE_PATTERN = `
DELETE FROM patterns WHERE id = ?1
`;

/** `?1` number of the pattern, `?2` position, `?3` bytes of JSON. */
export const INDEX_ENTRY = `
INSERT INTO pattern_entries (pattern, position, bytes) VALUES (?1, ?2, ?3)
`;

/** The next positions of one pattern: `?1` name, `?2` position, `?3` number of positions. */
export const PATTERN_POSITIONS = `
SELECT position, bytes
FROM pattern_entries
WHERE pattern = (SELECT id FROM patterns WHERE name = ?1) AND position > ?2
ORDER BY position
LIMIT ?3
`;

/** Like `PATTERN_POSITIONS`, but before a position and newest first. */
export const PATTERN_POSITIONS_BEFORE = `
SELECT position, bytes
FROM pattern_entries
WHERE pattern = (SELECT id FROM patterns WHERE name = ?1) AND position < ?2
ORDER BY position DESC
LIMIT ?3
`;

/** Removes the entries of one pattern, `?1`, up to a position, `?2`. */
export const TRIM_PATTERN = `
DELETE FROM pattern_entries WHERE pattern = ?1 AND position <= ?2
`;

/** Removes the entries of topic `?2` after `?3` and up to `?4` from the index of pattern `?1`. */
export const REMOVE_FROM_PATTERN = `
DELETE FROM pattern_entries
WHERE pattern = ?1
  AND position IN (SELECT position FROM entries WHERE topic = ?2 AND position > ?3 AND position <= ?4)
`;

/** Removes the entries of topic `?1` after `?2` and up to `?3`. */
export const REMOVE = `
DELETE FROM entries
WHERE position IN (SELECT position FROM entries WHERE topic = ?1 AND position > ?2 AND position <= ?3)
`;

// Epochs.

/** `?1` epoch's id, `?2` its secret. Positions continue from the old epoch. */
export const RENEW_EPOCH = `
UPDATE log SET epoch_id = ?1, epoch_secret = ?2
`;

/** A renewal writes all past epochs again, because a loss changes the older ones too. */
export const REMOVE_PAST_EPOCHS = `
DELETE FROM past_epochs
`;

/**
 * `?1` number in the order from the newest epoch to the oldest, `?2` id, `?3` secret, `?4` the last
 * position that both epochs share, `?5` 1 if entries are lost.
 */
export const ADD_PAST_EPOCH = `
INSERT INTO past_epochs (number, id, secret, up_to, lost) VALUES (?1, ?2, ?3, ?4, ?5)
`;

// Claims.

/** Returns a row if the key, `?1`, is claimed. */
export const IS_CLAIMED = `
SELECT 1 FROM claims WHERE key = ?1
`;

/** Claims of group `?1` with numbers up to `?2`, at most `?3`: their count and the last number. */
export const EXPIRED_CLAIMS = `
SELECT count(*) AS count, max(number) AS upTo
FROM (SELECT number FROM claims WHERE ttl_group = ?1 AND number <= ?2 ORDER BY number LIMIT ?3)
`;

/** Removes claims: `?1` group, `?2` the highest number to remove. */
export const REMOVE_CLAIMS = `
DELETE FROM claims WHERE ttl_group = ?1 AND number <= ?2
`;

/** `?1` key, `?2` group, `?3` number. */
export const ADD_CLAIM = `
INSERT INTO claims (key, ttl_group, number) VALUES (?1, ?2, ?3)
`;

/** `?1` the last number, `?2` the number of claims in the table. */
export const UPDATE_CLAIMS = `
UPDATE log SET claims = ?1, claims_held = ?2
`;
