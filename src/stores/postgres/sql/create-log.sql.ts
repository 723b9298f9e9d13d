import { quoted } from './names.js';

/** The row of a new log. `$1` epoch's id, `$2` its secret. */
export function createLog(schema: string): string {
  return `INSERT INTO ${quoted(schema)}.log (epoch_id, epoch_secret) VALUES ($1, $2) ON CONFLICT DO NOTHING`;
}
