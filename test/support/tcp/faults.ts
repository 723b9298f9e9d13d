import type { Random } from '../random.js';

/** `up`: from the client to the server; `down`: back. */
export type Direction = 'up' | 'down';

/**
 * The faults of one connection. Of a direction, `afterBytes` have come through before it sets in.
 */
export type Fault =
  | { readonly kind: 'none' }
  /** Every piece takes this much longer, both ways. */
  | { readonly kind: 'delay'; readonly ms: number }
  /**
   * The connection ends there for both sides, also in the middle of a message: by FIN or by RST.
   */
  | {
      readonly kind: 'cut';
      readonly direction: Direction;
      readonly afterBytes: number;
      readonly by: 'end' | 'reset';
    }
  /** Reads nothing for so long, and then continues. */
  | {
      readonly kind: 'stall';
      readonly direction: Direction;
      readonly afterBytes: number;
      readonly ms: number;
    }
  /** Later bytes are accepted and never arrive; neither side is notified. */
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
