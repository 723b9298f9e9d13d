import type { LogAccess } from './log-access.js';
import { type PatternRow, unindexedRow } from './rows.js';
import { statements } from './sql/statements.sql.js';

/** Rows removed in one transaction. */
const PART = 5_000;

export interface UnindexingOptions {
  readonly access: LogAccess;
  readonly schema: string;
  readonly isClosed: () => boolean;
}

/** Removes the index of dropped patterns, part by part. Another node may do the same. */
export async function unindexPatterns({ access, schema, isClosed }: UnindexingOptions): Promise<void> {
  const text = statements(schema).unindexPatterns;
  let last: PatternRow | undefined = { pattern: '', position: 0 };
  while (last && !isClosed()) {
    const values: readonly unknown[] = [last.pattern, last.position, PART];
    last = await access.work(text, values, unindexedRow);
  }
}
