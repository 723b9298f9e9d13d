import { ChainCheck } from './chain-check.js';
import { chainsOf } from './chains.js';
import type { History, Problem, ProblemKind } from './history.js';
import type { Knowledge } from './knowledge.js';
import { Orders } from './orders.js';

export interface Bounds {
  /**
   * Milliseconds within which a client that asks is told what was acknowledged, however it was published. Left out: nothing is late.
   */
  readonly lateMs?: number;
  /** Where places are unknown: whether there was reason for gaps. Left out: every gap is groundless. */
  readonly gapsMayBe?: boolean;
}

/**
 * What is wrong with a history; empty if nothing is. Along each chain of cursors a client has to get every notification of its topics
 * that the log has, exactly once, in order, in time, and nothing else, or a gap that has its reason:
 *
 * - `lost`: it is missing before something that came, or for good
 * - `doubled`: it came again on the same chain
 * - `out of order`: it came after something that stands behind it
 * - `phantom`: nobody has published it, or not as what came
 * - `foreign`: its topic was not asked for, or not allowed
 * - `late`: it could have been told earlier, by more than the bound
 * - `went back`: a cursor stands before what its client has got already
 * - `silent gap`: continuity was lost, and nobody said so
 * - `groundless gap`: somebody said so, and it was not
 */
export function problemsOf(history: History, { lateMs = Infinity, gapsMayBe = false }: Bounds = {}): Problem[] {
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
