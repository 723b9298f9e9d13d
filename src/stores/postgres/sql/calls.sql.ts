import { quoted } from './names.js';

/** Texts that call what the migrations define; each function says what its parameters are. Big integers come as text. */
export function calls(schema: string): Record<'append' | 'claim' | 'moveOutbox' | 'trim' | 'verify', string> {
  const s = quoted(schema);
  return {
    append: `SELECT * FROM ${s}.append($1::text[], $2::text[], $3::text[], $4::int, $5::text, $6::bigint)`,
    claim: `SELECT * FROM ${s}.claim($1::text, $2::int, $3::bigint, $4::text, $5::bigint, $6::int, $7::bigint, $8::int,
      $9::int)`,
    moveOutbox: `SELECT * FROM ${s}.move_outbox($1::int, $2::bigint, $3::int)`,
    trim: `SELECT ${s}.trim_log($1::bigint, $2::bigint, $3::float8, $4::int) AS removed`,
    verify: `SELECT * FROM ${s}.verify($1::text, $2::bigint, $3::text, $4::int)`,
  };
}

/** Publishes inside a transaction of the application. `$1`: see `publish-function.sql.ts`. */
export function publishCall(schema: string): string {
  return `SELECT ${quoted(schema)}.publish($1::text)`;
}
