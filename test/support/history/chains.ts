import { type Answer, type ClientHistory, isAnswer, type Waiting } from './history.js';

export type Chain = readonly (Answer | Waiting)[];

/**
 * A client's events by the cursors that they continue from. A client that uses an old cursor again
 * begins a new chain. It shares the answers up to that cursor with the old chain. Chains are
 * ordered by their last continuation.
 */
export function chainsOf({ events }: ClientHistory): Chain[] {
  const chains: (Answer | Waiting)[][] = [];
  for (const event of events) {
    const last = chains.at(-1);
    if (last && endsAt(last, event.from)) last.push(event);
    else chains.push([...upTo(chains, event.from), event]);
  }
  return chains;
}

function endsAt(chain: Chain, cursor: string): boolean {
  const answer = chain.findLast(isAnswer);
  return answer ? answer.cursor === cursor : chain[0]?.from === cursor;
}

/** The events that led to a cursor; empty if it has another origin. */
function upTo(chains: readonly Chain[], cursor: string): Chain {
  for (const chain of chains.toReversed()) {
    const at = chain.findLastIndex((event) => isAnswer(event) && event.cursor === cursor);
    if (at >= 0) return chain.slice(0, at + 1);
  }
  return [];
}
