import type { Socket } from 'node:net';
import type { Clock } from '../../core/clock.js';
import type { FrameworkRequest } from '../http/raw-response.js';

/** How long requests with one cursor are counted together, and how long a client in a loop is held. */
export const SAME_CURSOR_WINDOW_MS = 1_000;
/** What proxies add. */
const FORWARDED = ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'];
/** Subscribers remembered at once; beyond it the one seen longest ago is forgotten. */
const SUBSCRIBERS_MAX = 10_000;

/** FNV-1a. A collision makes one request wait; a native checksum takes several times as long for so short a text. */
const FNV_START = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Undefined: nobody who could be told from others. */
export type Caller = string | Socket | undefined;

interface Seen {
  /** A checksum of cursor and topics: their texts would keep a whole URL in memory for each subscriber. */
  asked: number;
  sinceMs: number;
  count: number;
}

type SeenSocket = Socket & Record<symbol, Seen | undefined>;

/**
 * Finds clients that ask with the same cursor again and again, faster than anyone can have read the answer: a loop that forgot to move on.
 * They are known by their subscriber, or by a connection that is theirs alone.
 *
 * Every answer moves the cursor, but tabs that were answered together share it: so many requests with one cursor are in order as a
 * caller may have waiters.
 */
export class TightLoops {
  readonly #clock: Clock;
  readonly #sameCursorMax: number;
  readonly #bySubscriber = new Map<string, Seen>();
  /** Where a socket carries its own: a weak map of thousands costs the garbage collector more than all the rest here. */
  readonly #onSocket = Symbol('seen');

  /** @param sameCursorMax requests with one cursor that a caller may make within the window */
  constructor(clock: Clock, sameCursorMax: number) {
    this.#clock = clock;
    this.#sameCursorMax = sameCursorMax;
  }

  get size(): number {
    return this.#bySubscriber.size;
  }

  /** Notes a request; true if its answer should wait. */
  isLoop(caller: Caller, cursor: string | undefined, topics: readonly string[] | undefined): boolean {
    if (caller === undefined || cursor === undefined) return false;
    const nowMs = this.#clock.monotonic();
    const asked = (topics ?? []).reduce(checksum, checksum(FNV_START, cursor));
    const seen = typeof caller === 'string' ? this.#bySubscriber.get(caller) : (caller as SeenSocket)[this.#onSocket];
    if (seen?.asked === asked && nowMs - seen.sinceMs < SAME_CURSOR_WINDOW_MS) {
      seen.count++;
      return seen.count > this.#sameCursorMax;
    }
    const first = { asked, sinceMs: nowMs, count: 1 };
    if (typeof caller === 'string') this.#remember(caller, first);
    else if (seen) Object.assign(seen, first);
    else (caller as SeenSocket)[this.#onSocket] = first;
    return false;
  }

  #remember(subscriber: string, seen: Seen): void {
    this.#bySubscriber.delete(subscriber);
    this.#bySubscriber.set(subscriber, seen);
    const [oldest] = this.#bySubscriber.keys();
    if (this.#bySubscriber.size > SUBSCRIBERS_MAX && oldest !== undefined) this.#bySubscriber.delete(oldest);
  }
}

/** Who asks: a subscriber or a connection. Behind a proxy a connection is many callers', who may well have the same cursor. */
export function callerOf(
  { headers, socket }: Pick<FrameworkRequest, 'headers' | 'socket'>,
  subscriber: string | undefined,
): Caller {
  return subscriber ?? (FORWARDED.some((name) => name in headers) ? undefined : socket);
}

function checksum(start: number, text: string): number {
  let hash = start;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  // An end of its own, so that ['a', 'b'] and ['ab'] differ.
  return Math.imul(hash ^ 0xffff, FNV_PRIME);
}
