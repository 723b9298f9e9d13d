import { quoted } from './names.js';

/**
 * - `log`: a single row with what changes rarely. The head is not here but the last row of `entries`: a counter that
 *   every append updates would leave a dead row each time, for as long as any transaction of the application is open.
 *   `identity`: of cluster, timeline and table when the epoch began. `total`: see below, up to `trimmed`.
 * - `entries`: `total` is the sum of `bytes` from the log's first entry on, so that what is kept is a difference and
 *   needs no sum. Texts are compared as bytes (`COLLATE "C"`): collations call different names equal, and change.
 *   `by_topic` holds `bytes`, so that what fits on a page is decided in the index alone.
 * - `outbox`: what transactions of the application publish; moved into the log after they have committed. A row holds
 *   what one call published, so that it moves as a whole.
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
