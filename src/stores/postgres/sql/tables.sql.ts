import { quoted } from './names.js';

/**
 * - `log`: one row with values that change rarely. The row does not hold the head: the head is the
 *   last row of `entries`, unless that row was removed. A counter that every append updates would
 *   leave dead rows while a transaction of the application is open. `identity`: the engine that
 *   wrote the row. `total`: the `total` of the last removed entry, whose position is `trimmed`.
 * - `entries`: `total` is the sum of `bytes` from the log's first entry to this one. So the size of
 *   the kept entries is the difference of two rows. Texts are compared as bytes (`COLLATE "C"`), as
 *   collations change and treat some different names as equal. `by_topic` holds `bytes`, so the
 *   index alone decides which entries a page holds.
 * - `outbox`: publications of transactions. They are moved into the log after the commit. One row
 *   holds the notifications of one call, which move together.
 */
export function tables(schema: string): string {
  const s = quoted(schema);
  return `
CREATE TABLE ${s}.log (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch_id text NOT NULL,
  epoch_secret text NOT NULL,
  identity text NOT NULL DEFAULT '',
  trimmed bigint NOT NULL DEFAULT 0,
  total bigint NOT NULL DEFAULT 0
);
CREATE TABLE ${s}.entries (
  position bigint PRIMARY KEY,
  topic text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL UNIQUE,
  time timestamptz NOT NULL,
  bytes integer NOT NULL,
  total bigint NOT NULL,
  json text NOT NULL
);
CREATE INDEX by_topic ON ${s}.entries (topic, position) INCLUDE (bytes);
CREATE TABLE ${s}.outbox (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  drafts json NOT NULL
);
`;
}
