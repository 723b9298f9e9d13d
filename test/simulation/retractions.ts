import { createHash } from 'node:crypto';
import type { Feed } from '../../src/core/feed.js';
import type { LogPage } from '../../src/core/page.js';
import { isRetraction, type Retraction } from '../../src/core/retraction.js';
import type { Answer } from '../support/history/history.js';
import type { World } from './world.js';

type Notification = Answer['notifications'][number];

/** The id of a retraction's record on the topic of the notification. Histories use it. */
export function recordOf({ id, topic }: Retraction): string {
  return `$retracted.${createHash('sha256').update(`${topic} ${id}`).digest('hex')}`;
}

/** The content of a page, with the records of its retractions, in the order of the log. */
export function inLogOrder(
  world: World,
  { cursor, notifications, retracted = [] }: Pick<Answer, 'notifications' | 'cursor'> & { retracted?: Retraction[] },
): readonly Notification[] {
  if (retracted.length === 0) return notifications;
  const truth = world.engine.truth.get(world.placeOf(cursor)?.log ?? '') ?? [];
  const positionOf = ({ id }: Notification): number => truth.find((entry) => entry.id === id)?.position ?? 0;
  const merged: Notification[] = [];
  const records = retracted.map((one) => ({ id: recordOf(one), topic: one.topic }));
  // Each of the two lists keeps its own order, so that the checker sees it.
  for (const notification of notifications) {
    while (records[0] && positionOf(records[0]) < positionOf(notification)) merged.push(records.shift()!);
    merged.push(notification);
  }
  return [...merged, ...records];
}

/** Finds notifications of a page that its node knows to be retracted. */
export function checkRetracted({ engine, logOf, failures }: World, feed: Feed, page: LogPage): void {
  const { epoch, head } = feed.window;
  if (page.epoch.id !== epoch.id) return;
  const truth = engine.truth.get(logOf(epoch.id) ?? '') ?? [];
  for (const entry of page.entries) {
    if (isRetraction(entry)) continue;
    const listed = `${recordOf(entry)}.listed`;
    const retractedAt = truth.find(({ id }) => id === listed)?.position ?? Infinity;
    if (retractedAt > head || retractedAt < entry.position) continue;
    failures.push(`${entry.topic}${entry.id} is delivered at ${head}, and was retracted at ${retractedAt}`);
  }
}
