import { quoted } from './names.js';

/** The row of a new log. `$1` epoch's id, `$2` its secret. */
export function createLog(schema: string): string {
  const s = quoted(schema);
  return `
INSERT INTO ${s}.log (epoch_id, epoch_secret, identity, timeline) VALUES ($1, $2, ${s}.identity(), ${s}.timeline())
ON CONFLICT DO NOTHING`;
}
