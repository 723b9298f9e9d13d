import type { ManualClock } from 'nest-notifications/testing';
import type { Random } from '../support/random.js';

const WRONG_PAGES = [
  null,
  [],
  'page',
  {},
  { cursor: 'c9' },
  { notifications: {}, cursor: 'c9' },
  { notifications: [{ n: 9 }], cursor: 9 },
  { notifications: [{ n: 9 }], cursor: '' },
];
const RETRY_AFTER = ['0', '-5', 'soon', '', '99999999999', 'Thu, 01 Jan 1970 00:00:00 GMT', '3'];
const STATUSES = [408, 429, 500, 502, 503, 504];
const POLL_FAULTS = ['reject', 'silence', 'half', 'silent body', 'shape', 'status', 'again', 'idle'] as const;
const STREAM_FAULTS = [
  'reject',
  'silence',
  'type',
  'status',
  'cut',
  'no opening',
  'json',
  'no id',
  'again',
  'end',
  'dead',
] as const;

/**
 * A server with a log of numbers and faults of many kinds, on a clock. It never invents a number.
 */
export class HostileServer {
  head = 0;
  /** The probability of a fault in a request. */
  faults = 0.5;
  requests = 0;
  readonly #clock: ManualClock;
  readonly #random: Random;
  readonly #waiting = new Set<() => void>();

  constructor(clock: ManualClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  publish(count: number): void {
    this.head += count;
    for (const wake of [...this.#waiting]) wake();
  }

  readonly fetch = async (
    url: string,
    { signal, headers }: { signal: AbortSignal; headers: object },
  ): Promise<unknown> => {
    this.requests++;
    const query = new URLSearchParams(url.split('?')[1]);
    const after = Number(query.get('cursor')?.slice(1) ?? this.head);
    const isStream = (headers as { Accept: string }).Accept === 'text/event-stream';
    const faults: readonly string[] = isStream ? STREAM_FAULTS : POLL_FAULTS;
    const fault = this.#random.chance(this.faults) ? this.#random.pick(faults) : 'none';
    if (fault === 'reject') throw new TypeError('fetch failed');
    if (fault === 'silence') return this.#never(signal);
    if (fault === 'status') return this.#answer(this.#random.pick(STATUSES), () => ({ message: 'fault' }));
    if (isStream) return { ...this.#answer(200, () => ({}), fault === 'type'), body: this.#body(after, fault, signal) };
    return this.#poll(after, Number(query.get('wait')) * 1000, fault, signal);
  };

  async #poll(after: number, waitMs: number, fault: string, signal: AbortSignal): Promise<unknown> {
    if (fault === 'half') return this.#answer(200, () => JSON.parse('{"notifications":['));
    if (fault === 'silent body') return this.#answer(200, () => this.#never(signal));
    if (fault === 'shape') return this.#answer(200, () => this.#random.pick(WRONG_PAGES));
    if (this.head <= after && fault !== 'idle') await this.#arrival(waitMs, signal);
    const to = fault === 'idle' ? after : Math.min(this.head, after + this.#random.from(1, 20));
    const notifications = numbers(after, to).map((n) => ({ n }));
    return this.#answer(200, () => ({
      notifications,
      cursor: `c${fault === 'again' ? after : to}`,
      more: to < this.head,
    }));
  }

  #answer(status: number, json: () => unknown, isHtml = false): object {
    const all: Record<string, string> = { 'content-type': isHtml ? 'text/html' : 'text/event-stream' };
    if (status !== 200) all['retry-after'] = this.#random.pick(RETRY_AFTER);
    return { status, headers: { get: (name: string) => all[name] ?? null }, json: async () => json() };
  }

  /** The body of a stream: blocks in chunks of any size, until a fault ends it. */
  #body(after: number, fault: string, signal: AbortSignal): object {
    let [at, pending] = [
      after,
      fault === 'no opening'
        ? ':'
        : `retry: ${this.#random.pick([0, 500, 1e12])}\nevent: cursor\ndata: {}\nid: c${after}\n\n`,
    ];
    let blocks = this.#random.from(0, 30);
    const read = async (): Promise<{ done: boolean; value?: Uint8Array }> => {
      signal.throwIfAborted();
      if (pending !== '') {
        const size = this.#random.from(1, 60);
        const value = new TextEncoder().encode(pending.slice(0, size));
        pending = pending.slice(size);
        return { done: false, value };
      }
      if (fault === 'no opening' || (fault === 'dead' && blocks <= 0)) return this.#never(signal);
      if (blocks-- <= 0 && (fault !== 'none' || this.faults > 0)) {
        if (fault !== 'cut') return { done: true };
        throw new TypeError('terminated');
      }
      if (this.head <= at && !(await this.#arrival(15_000, signal))) pending = ':\n';
      else {
        at++;
        const id = fault === 'again' ? `c${after}` : `c${at}`;
        const whole = `data: ${fault === 'json' ? '{' : ''}{"n":${at}}\n${fault === 'no id' ? '' : `id: ${id}\n`}\n`;
        pending = `event: of another version\ndata: x\n\n${fault === 'cut' && blocks <= 0 ? whole.slice(0, this.#random.below(whole.length)) : whole}`;
      }
      return read();
    };
    return { getReader: () => ({ read }) };
  }

  /** Resolves with false when the time has passed. */
  #arrival(waitMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#clock.clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', abort);
      };
      const wake = (): void => {
        end();
        resolve(true);
      };
      const abort = (): void => {
        end();
        reject(new Error('aborted'));
      };
      const timer = this.#clock.setTimeout(() => {
        end();
        resolve(false);
      }, waitMs);
      this.#waiting.add(wake);
      signal.addEventListener('abort', abort);
    });
  }

  #never(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  }
}

/** The numbers after `from`, up to and including `to`. */
function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + 1 + index);
}
