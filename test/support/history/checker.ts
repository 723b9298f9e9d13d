import { ChainCheck } from './chain-check.js';
import { chainsOf } from './chains.js';
import type { History, Problem, ProblemKind } from './history.js';
import type { Knowledge } from './knowledge.js';
import { Orders } from './orders.js';

export interface Bounds {
  /**
   * Milliseconds within which a polling client receives an acknowledged notification. If it is
   * undefined, the checker reports no late notification.
   */
  readonly lateMs?: number;
  /**
   * Histories without positions only: whether a gap may be correct. By default the checker reports
   * every gap.
   */
  readonly gapsMayBe?: boolean;
}

/**
 * The problems of a history; empty if it has none. Along each chain of cursors, a client must
 * receive every notification of its topics in the log: once, in order, in time, and no other. It
 * may lack those that have expired, that were retracted or erased, or that a newer one of their key
 * replaces. A gap must have a reason. The kinds of problems are:
 *
 * - `lost`: a later notification arrived without it, or it never arrived
 * - `doubled`: it arrived twice on the same chain
 * - `out of order`: it arrived after a notification that follows it in the log
 * - `phantom`: it was not published, or not in this form
 * - `foreign`: its topic was not asked for, or not allowed
 * - `expired`: a node sent it after its expiry
 * - `erased`: a node sent it long after its topic was erased
 * - `replaced`: it arrived on one page with a newer one of its topic and key
 * - `late`: it could have been delivered earlier, by more than the bound
 * - `went back`: a cursor is before a notification that its client has received
 * - `silent gap`: notifications were lost, and no gap was reported
 * - `groundless gap`: a gap was reported, and nothing was lost
 */
export function problemsOf(history: History, bounds: Bounds = {}): Problem[] {
  const { lateMs = Infinity, gapsMayBe = false } = bounds;
  const clients = history.clients.map((client) => ({ client, chains: chainsOf(client) }));
  const orders = Orders.of(
    history,
    clients.flatMap(({ chains }) => chains),
  );
  const publishes = new Map(history.publishes.map((publish) => [publish.id, publish]));
  const known: Knowledge = { orders, publishes, lateMs, gapsMayBe };
  const problems = new Map<string, Problem>();
  const reporter = (client: string) => (kind: ProblemKind, what: string) => {
    // Chains of a client share their beginnings.
    problems.set(`${client} ${kind} ${what}`, { kind, client, what });
  };

  const report = reporter('the log');
  for (const { id, topic, acknowledgedMs } of history.publishes) {
    const isLost = orders.areWhole && acknowledgedMs !== undefined && !orders.holds(id);
    if (isLost) report('lost', `${topic} ${id} was acknowledged and is in no log`);
  }
  for (const { client, chains } of clients) {
    for (const chain of chains) {
      const check = new ChainCheck(known, client, reporter(client.name));
      for (const event of chain) check.take(event);
      if (client.finished && chain === chains.at(-1)) check.finish();
    }
  }
  return [...problems.values()];
}
