import type { Engine } from './engine.js';
import { decodePart, endPosition, firstSequenceOf, lastSequenceOf, type Part, sequenceOf } from './layout.js';

/** Some messages of a commit, by their sequences. */
export interface PartRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The search stops when at most this number of messages remains. Reading them takes less time than
 * another request.
 */
const ENOUGH = 16;

/**
 * The sequence at which a read after a position begins. The position may be inside of a commit. If
 * the last part of the commit was removed, the commit begins at an unknown sequence. Then the
 * result is a sequence inside the commit, so that no part is skipped.
 *
 * @param isNarrow skips parts of the commit without entries after the position. Useful for
 *   patterns: they match many parts.
 */
export async function sequenceAfter(engine: Engine, after: number, isNarrow = false): Promise<number> {
  const sequence = sequenceOf(after);
  if (after === endPosition(sequence)) return sequence + 1;
  const last = await engine.get({ seq: sequence });
  const part = last && decodePart(last);
  if (part) {
    const commit = { from: firstSequenceOf(part), to: lastSequenceOf(part) };
    return isNarrow ? (await narrowed(engine, commit, ({ floor }) => floor <= after)).from : commit.from;
  }
  for (let distance = 1; distance < sequence; distance *= 2) {
    const found = await engine.get({ seq: sequence - distance, next_by_subj: '>' });
    if (found && found.sequence <= sequence) {
      const earlier = decodePart(found);
      const isOfCommit = earlier && lastSequenceOf(earlier) === sequence;
      return isOfCommit ? firstSequenceOf(earlier) : found.sequence;
    }
  }
  return 1;
}

/**
 * The sequence at which a read before a position begins. Later parts have no entries before the
 * position.
 *
 * @param isNarrow skips parts of the commit without entries before the position. Up to `ENOUGH - 1`
 *   of them remain.
 */
export async function sequenceBefore(engine: Engine, before: number, isNarrow = false): Promise<number> {
  const sequence = sequenceOf(before - 1);
  if (!isNarrow || before > endPosition(sequence)) return sequence;
  const last = await engine.get({ seq: sequence });
  const part = last && decodePart(last);
  const isBefore = ({ entries }: Part): boolean => (entries[0]?.position ?? 0) < before;
  if (!part || isBefore(part)) return sequence;
  return (await narrowed(engine, { from: firstSequenceOf(part), to: sequence }, isBefore)).to;
}

/**
 * Narrows a commit to its last part for which `isBefore` is true, and up to `ENOUGH` others.
 * `isBefore` must be true for the first part. After the first false result, all results are false.
 */
async function narrowed(engine: Engine, commit: PartRange, isBefore: (part: Part) => boolean): Promise<PartRange> {
  let { from, to } = commit;
  while (to - from >= ENOUGH) {
    const middle = Math.ceil((from + to) / 2);
    const message = await engine.get({ seq: middle, next_by_subj: '>' });
    const part = message && message.sequence <= to ? decodePart(message) : undefined;
    if (part && isBefore(part)) from = part.sequence;
    else to = middle - 1;
  }
  return { from, to };
}
