/**
 * One file has one log. `log` is a single row, so that every append and every read finds the state
 * of the log on one page. The key of `entries` is the position: an append adds to the end of the
 * tree, and retention removes from its beginning.
 *
 * - `file`: the identity of the file at the last opening. A copy has another identity, and does not
 *   continue the log.
 * - `bytes`: the size of the kept JSON, so that retention needs no sum.
 * - `json` is the last column, so a statement that reads only other columns skips a long text.
 * - `by_topic` has `bytes`, so that the index alone decides how many entries fit on a page.
 * - Ids need no index here: a process that appends keeps the ids of the idempotency window in
 *   memory (see `id-window.ts`). An index of random ids would write one more page for every
 *   notification, and halve the throughput of a disk.
 */
const SCHEMA = `
CREATE TABLE log (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch_id TEXT NOT NULL,
  epoch_secret TEXT NOT NULL,
  file TEXT NOT NULL,
  head INTEGER NOT NULL,
  trimmed INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE entries (
  position INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  id TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  json TEXT NOT NULL
) STRICT;
CREATE INDEX by_topic ON entries (topic, position, bytes);
`;

/**
 * - `claims`: claimed keys, by group and number; `shared/claims.ts` explains how they expire.
 * - `log.claims`: the last number. `log.claims_held`: the number of claims, so that their bound
 *   needs no count.
 */
const CLAIMS = `
ALTER TABLE log ADD COLUMN claims INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN claims_held INTEGER NOT NULL DEFAULT 0;
CREATE TABLE claims (
  key TEXT PRIMARY KEY,
  ttl_group INTEGER NOT NULL,
  number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_number ON claims (ttl_group, number);
`;

/** The library's own records among the entries, and their bytes: retention does not count them. */
const RECORDS = `
ALTER TABLE log ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN record_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE log SET (records, record_bytes) =
  (SELECT count(*), coalesce(sum(bytes), 0) FROM entries WHERE topic >= '$' AND topic < '%');
`;

/**
 * Epochs that the log continues, newest first. They are in a separate table of a few rows, which
 * only an opening of the file writes.
 */
const PAST_EPOCHS = `
CREATE TABLE past_epochs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  secret TEXT NOT NULL,
  up_to INTEGER NOT NULL,
  lost INTEGER NOT NULL
) STRICT;
`;

/**
 * - `patterns`: the declared patterns. The index has the entries after `since`. `declared`: the
 *   order of the declarations.
 * - `pattern_entries`: one row for each entry and each pattern that matches its topic. The key has
 *   the columns that a read needs. As in `by_topic`, `bytes` decides how many entries fit on a
 *   page.
 */
const PATTERNS = `
CREATE TABLE patterns (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  since INTEGER NOT NULL,
  declared INTEGER NOT NULL
) STRICT;
CREATE TABLE pattern_entries (
  pattern INTEGER NOT NULL,
  position INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (pattern, position)
) STRICT, WITHOUT ROWID;
`;

/**
 * Entries that `remove` has removed above `trimmed`. They leave holes between the positions, and
 * retention subtracts them from its count.
 */
const REMOVED = `
ALTER TABLE log ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
`;

/**
 * "nnlg" marks a file of this store. The store rejects any other database, and does not write to
 * it.
 */
export const APPLICATION_ID = 0x6e6e6c67;

/**
 * Each migration is one version. A released migration never changes. The file's `user_version` is
 * the number of migrations that the file has.
 */
export const MIGRATIONS: readonly string[] = [SCHEMA, CLAIMS, RECORDS, PAST_EPOCHS, PATTERNS, REMOVED];
