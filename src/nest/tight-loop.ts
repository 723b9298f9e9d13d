import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.js';
import type { ReadRequest } from '../wire/request.js';
import type { FrameworkRequest } from './reply.js';

/** How long requests with one cursor are counted together, and how long a client in a loop is held. */
export const SAME_CURSOR_WINDOW_MS = 1_000;
/** What proxies add. */
const FORWARDED = ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'];
/** Subscribers remembered at once; beyond it the one seen longest ago is forgotten. */
const SUBSCRIBERS_MAX = 10_000;

interface Seen {
  readonly what: string;
  readonly sinceMs: number;
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
  isLoop(caller: string | Socket, what: string): boolean {
    const nowMs = this.#clock.monotonic();
    const seen = typeof caller === 'string' ? this.#bySubscriber.get(caller) : (caller as SeenSocket)[this.#onSocket];
    if (seen?.what === what && nowMs - seen.sinceMs < SAME_CURSOR_WINDOW_MS) {
      seen.count++;
      return seen.count > this.#sameCursorMax;
    }
    const first = { what, sinceMs: nowMs, count: 1 };
    if (typeof caller !== 'string') (caller as SeenSocket)[this.#onSocket] = first;
    else this.#remember(caller, first);
    return false;
  }

  #remember(subscriber: string, seen: Seen): void {
    this.#bySubscriber.delete(subscriber);
    this.#bySubscriber.set(subscriber, seen);
    const [oldest] = this.#bySubscriber.keys();
    if (this.#bySubscriber.size > SUBSCRIBERS_MAX && oldest !== undefined) this.#bySubscriber.delete(oldest);
  }
}

/** Whether a request is one of a loop. Behind a proxy a connection is many callers', who may well have the same cursor. */
export function asksInLoop(
  loops: TightLoops,
  { headers, socket }: Pick<FrameworkRequest, 'headers' | 'socket'>,
  { cursor, topics }: ReadRequest,
  subscriber: string | undefined,
): boolean {
  const isForwarded = FORWARDED.some((name) => name in headers);
  const caller = subscriber ?? (isForwarded ? undefined : socket);
  if (cursor === undefined || caller === undefined) return false;
  return loops.isLoop(caller, `${cursor} ${topics?.join() ?? ''}`);
}
