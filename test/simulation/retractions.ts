import { createHash } from 'node:crypto';
import type { Feed } from '../../src/core/feed.js';
import type { LogPage } from '../../src/core/page.js';
import { isRetraction, type Retraction } from '../../src/core/retraction.js';
import type { Answer } from '../support/history/history.js';
import type { Random } from '../support/random.js';
import type { World } from './world.js';

type Notification = Answer['notifications'][number];

/** How long the poll of `loseARetraction` waits. */
const WAIT_MS = 1_000;
/** How long its node receives no wake-ups. */
const FAULT_MS = 60;

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

/**
 * A snapshot that is restored unnoticed loses a retraction. The node that was called knows the
 * retraction, but its tail has not delivered the record.
 */
export async function loseARetraction(world: World, random: Random): Promise<void> {
  const { clock, engine, counters } = world;
  const node = random.pick(world.nodes);
  const client = random.pick(world.clients);
  if (!node.feed || node.isStopping || node.clock.isDead || client.allowed.size === 0) return;
  const drafts = [world.newDraft(random.pick([...client.allowed]))];
  client.leave();
  client.ask(node, { kind: 'poll', waitMs: WAIT_MS, limit: 1, lifetimeMs: WAIT_MS });
  await clock.advance(random.from(1, 20));
  world.publish(node, drafts);
  world.remember(drafts);
  await clock.advance(random.from(1, 10));
  engine.takeSnapshot();
  const { faults } = node.store;
  world.fault(
    FAULT_MS,
    () => (faults.wakes = 'lost'),
    () => (faults.wakes = 'told'),
  );
  world.retract(node, world.publishes.get(drafts[0]!.id)!);
  await clock.advance(random.from(1, 30));
  if (node.feed.window.head < engine.head) counters.retractionsLost++;
  if (engine.restoreSnapshot({ isDetected: false })) world.hiccup();
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
