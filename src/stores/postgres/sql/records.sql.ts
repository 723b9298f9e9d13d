import { quoted } from './names.js';

/**
 * `records` and `record_total`: how many records of the library there are from the log's first entry on, and their bytes.
 * Like `total`, they make what is kept a difference. Records that are older than these columns count as notifications.
 */
export function recordColumns(schema: string): string {
  const s = quoted(schema);
  const columns = 'ADD COLUMN records bigint NOT NULL DEFAULT 0, ADD COLUMN record_total bigint NOT NULL DEFAULT 0';
  return `
ALTER TABLE ${s}.log ${columns};
ALTER TABLE ${s}.entries ${columns};
`;
}
