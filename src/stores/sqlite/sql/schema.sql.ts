/**
 * One file holds one log. `log` is a single row, so that every append and every read finds the state of the log on one
 * page; `entries` is keyed by position, so that appending goes to the end of the tree and retention removes from its
 * beginning.
 *
 * - `file`: the identity of the file at the last opening. A copy has another one, and does not continue the log.
 * - `bytes`: of the JSON kept, so that retention needs no sum.
 * - `json` is the last column: what reads the columns before it does not touch a long text.
 * - `by_topic` holds `bytes`, so that what fits on a page is decided in the index alone.
 * - Ids need no index here: a process that appends remembers those of the idempotency window (`id-window.ts`). An index
 *   of random ids would write one page more for every notification, which halves what a disk can take.
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
 * - `claims`: keys that were claimed, by group and number; `shared/claims.ts` says how they expire.
 * - `log.claims`: the last number; `log.claims_held`: how many claims there are, so that their bound needs no count.
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

/** The library's own records among the entries, and their bytes: retention leaves them out of account. */
const RECORDS = `
ALTER TABLE log ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN record_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE log SET (records, record_bytes) =
  (SELECT count(*), coalesce(sum(bytes), 0) FROM entries WHERE topic >= '$' AND topic < '%');
`;

/**
 * Epochs that the log continues, newest first: few rows that only an opening writes, apart from the
 * row of every append.
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

/** "nnlg": marks the file as ours, so that a path to somebody else's database is refused and not written to. */
export const APPLICATION_ID = 0x6e6e6c67;

/** What each version adds to the one before; never changed once released. The file's `user_version` counts them. */
export const MIGRATIONS: readonly string[] = [SCHEMA, CLAIMS, RECORDS, PAST_EPOCHS];
