import type { Random } from '../http/random.js';

/** `up`: from whoever connects to what it connects to; `down`: back. */
export type Direction = 'up' | 'down';

/** What happens to one connection. Of a direction, `afterBytes` have come through before it sets in. */
export type Fault =
  | { readonly kind: 'none' }
  /** Every piece takes this much longer, both ways. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** It ends there, in the middle of whatever it is: for both sides, in peace (FIN) or not (RST). */
  | {
      readonly kind: 'cut';
      readonly direction: Direction;
      readonly afterBytes: number;
      readonly by: 'end' | 'reset';
    }
  /** Nothing is taken any more for so long; then it goes on. */
  | {
      readonly kind: 'stall';
      readonly direction: Direction;
      readonly afterBytes: number;
      readonly ms: number;
    }
  /** What comes from there on is taken and never arrives; nobody is told. */
  | { readonly kind: 'drop'; readonly direction: Direction; readonly afterBytes: number }
  /** Accepted, and never answered. */
  | { readonly kind: 'deaf' }
  /** A second connection goes the same way, and says nothing. */
  | { readonly kind: 'twin' }
  /** A second connection says the same once more, and its answers go nowhere. */
  | { readonly kind: 'echo' };

export type FaultKind = Fault['kind'];

export const NO_FAULT: Fault = { kind: 'none' };

export interface FaultOptions {
  readonly random: Random;
  /** How many of the connections suffer something. */
  readonly probability: number;
  /** Bytes after which a fault sets in, at most. */
  readonly bytesMax: number;
  /** Delays, and how long something stalls, at most. */
  readonly msMax: number;
  readonly kinds: readonly Exclude<FaultKind, 'none'>[];
}

/** A fault for each connection, the same ones for the same seed. */
export function seededFaults({ random, probability, bytesMax, msMax, kinds }: FaultOptions): () => Fault {
  return () => {
    if (!random.chance(probability)) return NO_FAULT;
    const kind = random.pick(kinds);
    const direction = random.pick<Direction>(['up', 'down']);
    // Mostly early, where a request or its answer begins.
    const afterBytes = Math.floor(bytesMax * random.next() ** 3);
    const ms = random.from(1, msMax);
    switch (kind) {
      case 'delay':
        // It is for every piece.
        return { kind, ms: Math.ceil(ms / 20) };
      case 'cut':
        return { kind, direction, afterBytes, by: random.pick(['end', 'reset']) };
      case 'stall':
        return { kind, direction, afterBytes, ms };
      case 'drop':
        return { kind, direction, afterBytes };
      case 'deaf':
      case 'twin':
      case 'echo':
        return { kind };
    }
  };
}
