import { quoted } from './names.js';

/**
 * `records`, `record_total`: the count and the bytes of the library's records, summed from the
 * log's first entry. The values of the kept records are the difference of two rows, as with
 * `total`. Records that are older than these columns count as notifications.
 */
export function recordColumns(schema: string): string {
  const s = quoted(schema);
  const columns = 'ADD COLUMN records bigint NOT NULL DEFAULT 0, ADD COLUMN record_total bigint NOT NULL DEFAULT 0';
  return `
ALTER TABLE ${s}.log ${columns};
ALTER TABLE ${s}.entries ${columns};
`;
}
