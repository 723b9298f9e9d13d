/**
 * One property of all items of a subscriber, such as "read". Items up to the watermark have it,
 * items after the watermark do not. The exceptions are listed. So a property of 100,000 items takes
 * a few bytes, and "mark all" is one number.
 */
export interface Flag {
  /** The watermark: the position of an item in the log, or 0. */
  readonly upTo: number;
  /** Positions up to the watermark that lack the flag, and later positions that have the flag. */
  readonly exceptions: ReadonlySet<number>;
}

/** The flag that no item has. */
export const NO_ITEMS: Flag = Object.freeze({ upTo: 0, exceptions: new Set<number>() });

export function hasFlag({ upTo, exceptions }: Flag, position: number): boolean {
  return position <= upTo !== exceptions.has(position);
}

/**
 * Sets (`value` true) or clears the flag of some items. Returns the same object if none changed.
 */
export function withItems(flag: Flag, positions: readonly number[], value: boolean): Flag {
  const changed = new Set(positions.filter((position) => hasFlag(flag, position) !== value));
  if (changed.size === 0) return flag;
  const exceptions = new Set(flag.exceptions);
  for (const position of changed) {
    if (!exceptions.delete(position)) exceptions.add(position);
  }
  return { upTo: flag.upTo, exceptions };
}

/**
 * Sets the flag of all items up to a position. Later items, and the items of `except`, keep their
 * state. Returns the same object if nothing changed.
 */
export function withAllUpTo(flag: Flag, upTo: number, except: readonly number[] = []): Flag {
  const raised = Math.max(upTo, flag.upTo);
  const later = keep(flag.exceptions, (position) => position > upTo);
  const without = except.filter((position) => position <= upTo && !hasFlag(flag, position));
  const exceptions = new Set([...later, ...without]);
  if (raised === flag.upTo && exceptions.size === flag.exceptions.size) return flag;
  return { upTo: raised, exceptions };
}

/** Removes exceptions for items that the log no longer holds. */
export function withoutTrimmed(flag: Flag, trimmed: number): Flag {
  return { upTo: flag.upTo, exceptions: keep(flag.exceptions, (position) => position > trimmed) };
}

/**
 * The watermark with which the flag needs the fewest exceptions: the present one, or the position
 * of a newer item.
 *
 * @param newer all items after the watermark, in the order of the log
 */
export function bestWatermark(flag: Flag, newer: readonly number[]): number {
  let [count, fewest, upTo] = [0, 0, flag.upTo];
  for (const position of newer) {
    count += hasFlag(flag, position) ? -1 : 1;
    if (count < fewest) [fewest, upTo] = [count, position];
  }
  return upTo;
}

/**
 * Moves the watermark to the position of a newer item. All items keep their state.
 *
 * @param newer all items after the watermark, in the order of the log
 */
export function withWatermark(flag: Flag, newer: readonly number[], upTo: number): Flag {
  const without = newer.filter((position) => position <= upTo && !hasFlag(flag, position));
  const kept = keep(flag.exceptions, (position) => position <= flag.upTo || position > upTo);
  return { upTo, exceptions: new Set([...kept, ...without]) };
}

/** True if an item before a position may lack the flag. */
export function mayLackFlag({ upTo, exceptions }: Flag, before: number): boolean {
  if (before - 1 > upTo) return true;
  for (const position of exceptions) if (position < before) return true;
  return false;
}

function keep(positions: ReadonlySet<number>, isKept: (position: number) => boolean): Set<number> {
  return new Set([...positions].filter(isKept));
}
