import type { Random } from '../random.js';

/** `up`: from the client to the server. `down`: from the server to the client. */
export type Direction = 'up' | 'down';

/**
 * The faults of one connection. A fault with a direction begins after `afterBytes` bytes of that
 * direction.
 */
export type Fault =
  | { readonly kind: 'none' }
  /** Every piece takes this much longer, both ways. */
  | { readonly kind: 'delay'; readonly ms: number }
  /**
   * Ends the connection for both sides, by FIN or RST, possibly in the middle of a message.
   */
  | {
      readonly kind: 'cut';
      readonly direction: Direction;
      readonly afterBytes: number;
      readonly by: 'end' | 'reset';
    }
  /** Reads nothing for `ms` milliseconds, and then continues. */
  | {
      readonly kind: 'stall';
      readonly direction: Direction;
      readonly afterBytes: number;
      readonly ms: number;
    }
  /** Later bytes are accepted and never arrive; neither side is notified. */
  | { readonly kind: 'drop'; readonly direction: Direction; readonly afterBytes: number }
  /** The proxy accepts the connection and never answers. */
  | { readonly kind: 'deaf' }
  /** The proxy opens a second connection to the target, and sends nothing on it. */
  | { readonly kind: 'twin' }
  /** The proxy sends the same bytes on a second connection, and drops the answers. */
  | { readonly kind: 'echo' };

export type FaultKind = Fault['kind'];

export const NO_FAULT: Fault = { kind: 'none' };

export interface FaultOptions {
  readonly random: Random;
  /** The share of connections with a fault. */
  readonly probability: number;
  /** The maximum number of bytes before a fault begins. */
  readonly bytesMax: number;
  /** The maximum delay and the maximum stall. */
  readonly msMax: number;
  readonly kinds: readonly Exclude<FaultKind, 'none'>[];
}

/** A fault for each connection, the same ones for the same seed. */
export function seededFaults({ random, probability, bytesMax, msMax, kinds }: FaultOptions): () => Fault {
  return () => {
    if (!random.chance(probability)) return NO_FAULT;
    const kind = random.pick(kinds);
    const direction = random.pick<Direction>(['up', 'down']);
    // Most faults begin early, at the start of a request or its answer.
    const afterBytes = Math.floor(bytesMax * random.next() ** 3);
    const ms = random.from(1, msMax);
    switch (kind) {
      case 'delay':
        // The delay applies to every piece.
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
