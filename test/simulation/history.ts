import { isRetraction } from '../../src/core/retraction.js';
import type { Logged, Place } from '../support/history/history.js';
import type { Random } from '../support/random.js';
import type { Client } from './client.js';
import type { Process } from './node.js';
import { TOPICS, type World } from './world.js';

/** The maximum number of pages of one walk. */
const PAGES_MAX = 12;
/** The client stops waiting for a page after this time. */
const PAGE_MS_MAX = 1_500;
const REFUSALS = [
  'draining',
  'store_unavailable',
  'waiters_too_many',
  'subscriber_waiters_too_many',
  'address_waiters_too_many',
];

/** A page as it is on the wire. */
interface WireHistory {
  readonly notifications: readonly { readonly id: string; readonly topic: string }[];
  readonly cursor: string;
  readonly follow: string;
  readonly more: boolean;
  readonly trimmed: boolean;
  readonly gap?: { readonly reason: 'expired' | 'reset' };
}

/** One page, and the state at the time of its request. */
interface Read {
  readonly page: WireHistory;
  readonly topics: readonly string[];
  readonly limit: number;
  readonly before: string;
  /** The head of the node when the page was requested, in the log of that moment. */
  readonly head: Place | undefined;
}

/**
 * A client reads the history page by page, on changing nodes, while others publish. Each page is
 * compared with the entries of the log.
 */
export async function readHistory(world: World, random: Random): Promise<void> {
  const client = random.pick(world.clients);
  const topics = random.sample(TOPICS, random.from(1, TOPICS.length)).filter((topic) => client.allowed.has(topic));
  const limit = random.from(1, 5);
  const hasCursor = !['earliest', 'latest'].includes(client.cursor);
  let before = hasCursor && random.chance(0.4) ? client.cursor : 'latest';
  let node = random.pick(world.nodes);
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    if (topics.length === 0 || !node.feed || node.isStopping || node.clock.isDead) return;
    const { epoch, head } = node.feed.window;
    const log = world.logOf(epoch.id);
    const text = await pageOf(world, { node, client, topics, limit, before });
    if (text === undefined) return;
    if (!text.startsWith('{')) {
      world.counters.historiesRefused++;
      if (!REFUSALS.includes(text)) world.failures.push(`the history is refused: ${text}`);
      return;
    }
    const page = JSON.parse(text) as WireHistory;
    world.trace(
      () => `history of ${topics.join()}: ${page.notifications.map(({ id, topic }) => topic + id).join(' ')}`,
    );
    count(world, page);
    const read: Read = { page, topics, limit, before, head: log === undefined ? undefined : { log, position: head } };
    world.failures.push(...problemsOf(world, read).map((what) => `${client.name}, history: ${what}`));
    if (!page.more) return;
    before = page.cursor;
    if (random.chance(0.3)) node = random.pick(world.nodes);
    if (random.chance(0.3)) publishOne(world, random);
  }
}

interface Asking {
  readonly node: Process;
  readonly client: Client;
  readonly topics: readonly string[];
  readonly limit: number;
  readonly before: string;
}

/** Undefined if the node does not answer in time, for example because it has crashed. */
async function pageOf(world: World, { node, client, ...asking }: Asking): Promise<string | undefined> {
  const rights = { allowed: (asked: readonly string[]) => asked.filter((topic) => client.allowed.has(topic)) };
  const { answer, end } = node.history({ ...asking, subscriber: `history of ${client.name}`, rights });
  let text: string | undefined;
  void answer.then((found) => (text = found));
  for (let waitedMs = 0; text === undefined && waitedMs < PAGE_MS_MAX; waitedMs += 10) await world.clock.advance(10);
  if (text === undefined) end();
  return text;
}

function publishOne(world: World, random: Random): void {
  const node = random.pick(world.nodes);
  const drafts = [world.newDraft()];
  if (!node.isStopping) world.publish(node, drafts);
  world.remember(drafts);
}

function count({ counters }: World, { more, trimmed, gap }: WireHistory): void {
  counters.historyPages++;
  if (!more) counters.historiesRead++;
  if (trimmed) counters.historiesTrimmed++;
  if (gap?.reason === 'reset') counters.historiesReset++;
  if (gap?.reason === 'expired') counters.historiesAfterLoss++;
}

/** The ways in which a page contradicts the log. */
function problemsOf(world: World, { page, topics, limit, before, head }: Read): string[] {
  const [low, high] = [world.placeOf(page.cursor), world.placeOf(page.follow)];
  if (!low || !high) return ['a cursor of the page belongs to no log'];
  const truth = world.engine.truth.get(low.log) ?? [];
  const nowMs = world.stamp();
  const isKept = ({ trimmedMs = Infinity }: Logged): boolean => trimmedMs > nowMs;
  const between = (from: number, upTo: number): Logged[] =>
    truth.filter(({ topic, position }) => topics.includes(topic) && position > from && position <= upTo);
  const ids = page.notifications.map(({ id }) => id);
  const covered = between(low.position, high.position);
  /**
   * It has expired, it was retracted or erased, it is the record of a retraction, or a newer one of
   * its topic and key is in the log.
   */
  const mayBeMissing = ({ id, topic, position, erasedMs = Infinity }: Logged): boolean => {
    const { expiresMs = Infinity, key, retractedBy } = world.publishes.get(id) ?? {};
    if (isRetraction({ id })) return true;
    if (truth.some((one) => one.id === retractedBy && one.position > position)) return true;
    const replaces = (one: Logged): boolean =>
      one.topic === topic && one.position > position && world.publishes.get(one.id)?.key === key;
    return Math.min(expiresMs, erasedMs) <= nowMs || (key !== undefined && truth.some(replaces));
  };
  const isDue = (entry: Logged): boolean => isKept(entry) && !mayBeMissing(entry);
  const missing = covered.filter((entry) => isDue(entry) && !ids.includes(entry.id));
  const order = covered.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
  const older = between(0, low.position).filter((entry) => !mayBeMissing(entry));
  const asked = before === 'latest' ? head : world.placeOf(before);
  const upTo = asked?.log === high.log && !page.gap ? asked.position : high.position;
  const newer = between(high.position, upTo).filter(isDue);
  return [
    ...missing.map(({ id }) => `${id} is missing`),
    ...(order.reverse().join() === ids.join() ? [] : [`it has ${ids.join()} instead of ${order.join()}`]),
    ...newer.map(({ id }) => `${id} is missing at its newer end`),
    ...(ids.length > limit ? [`it has ${ids.length} notifications, at most ${limit} were asked for`] : []),
    ...(!page.more && older.some(isKept) ? ['it ends, but older notifications are kept'] : []),
    ...(!page.more && older.length > 0 && !page.trimmed ? ['it ends as if the log began there'] : []),
    ...(page.gap && before === 'latest' ? ['it has a gap, but no cursor was given'] : []),
  ];
}
