import { resized } from '../../core/records.js';
import type { Removed, RemoveQuery } from '../../core/removal.js';
import { removalEnd } from '../../core/removal-end.js';
import type { LogAccess } from './log-access.js';
import type { LogFile, LogState } from './log-file.js';
import { sizeOf, withSize } from './retention.js';

/** Entries that one transaction removes. Appends wait for it, for some milliseconds. */
const PART = 200;

interface PartQuery extends Pick<RemoveQuery, 'topic' | 'upTo'> {
  /** The part begins after this position. */
  readonly after: number;
}

/**
 * Removes the entries of a topic, part by part, and overwrites them with zeros. Then it empties the
 * write-ahead log, which has the old pages. It does so even if nothing was removed: an earlier call
 * may have failed after its removal.
 */
export async function removeTopic(access: LogAccess, { topic, upTo, epochId, needs }: RemoveQuery): Promise<Removed> {
  let [end, after, count] = [upTo, 0, 0];
  for (let isLast = false; !isLast;) {
    const removed = await access.write((file, log) => {
      end = Math.min(removalEnd(log.epoch, { epochId, upTo: end, needs }), log.head);
      return removePart(file, log, { topic, upTo: end, after });
    }, 'always');
    count += removed.count;
    isLast = removed.count < PART;
    after = removed.upTo;
    if (!isLast) await access.leaveLock();
  }
  await access.emptyLog();
  return { count, upTo: end };
}

function removePart(file: LogFile, log: LogState, { topic, after, upTo }: PartQuery): Removed {
  const places = file.placesAfter(topic, after, PART).filter(({ position }) => position <= upTo);
  const last = places.at(-1)?.position ?? after;
  if (places.length > 0) {
    file.patterns.removeTopic(topic, after, last);
    file.removeTopic(topic, after, last);
    const size = places.reduce((rest, { bytes }) => resized(rest, { topic, bytes }, -1), sizeOf(log));
    file.setState(withSize(log, size));
  }
  return { count: places.length, upTo: last };
}
