import type { Removed, RemoveQuery } from '../../core/removal.js';
import { removalEnd } from '../../core/removal-end.js';
import type { LogAccess } from './log-access.js';
import { removedRow } from './rows.js';
import { statements } from './sql/statements.sql.js';

/** Entries removed in one transaction. */
const PART = 1000;

export interface RemovalOptions {
  readonly access: LogAccess;
  readonly schema: string;
  /** Milliseconds that the SQL function waits for its lock. */
  readonly lockMs: number;
  /** Starts a vacuum of the entries in the background. */
  readonly onVacuumDue: () => void;
}

/**
 * Removes the entries of a topic, part by part. A vacuum then frees their space, if the role of
 * this node may vacuum. Otherwise autovacuum does.
 */
export async function removeTopic(
  options: RemovalOptions,
  { topic, upTo, epochId, needs }: RemoveQuery,
): Promise<Removed> {
  const { access, schema, lockMs, onVacuumDue } = options;
  const text = statements(schema).remove;
  let [end, expected, after, count] = [upTo, epochId, 0, 0];
  for (let isLast = false; !isLast;) {
    const values = [topic, after, end, expected, PART, lockMs];
    const { epoch, ...row } = await access.call(text, values, (rows, known) => {
      const removed = removedRow(rows);
      access.check(removed, known);
      return { ...removed, epoch: known.epoch };
    });
    if (epoch.id !== expected) {
      // Nothing was removed. The next call removes the positions that the new epoch shares with the
      // old one.
      [end, expected] = [removalEnd(epoch, { epochId: expected, upTo: end, needs }), epoch.id];
      continue;
    }
    count += row.removed;
    end = Math.min(end, row.head);
    after = row.last ?? after;
    isLast = row.removed < PART;
    if (isLast && count > 0 && row.canVacuum) onVacuumDue();
  }
  return { count, upTo: end };
}
