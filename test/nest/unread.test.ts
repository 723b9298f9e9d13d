import { beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { GrantedRead } from '../../src/nest/access/granted.js';
import type { SecurityEvent } from '../../src/nest/security/security-event.js';
import { Observers } from '../../src/core/observers.js';
import { SecurityEvents } from '../../src/nest/security/security-events.js';
import { UnreadAnswers } from '../../src/nest/http/unread.js';
import { ManualClock } from '../../src/testing/index.js';
import { rethrow } from '../support/rethrow.js';

const MIB = 1024 * 1024;
const OVERHEAD = 512;
const LIMITS = { bytesMax: 8 * MIB, msMax: 60_000, pageBytesMax: MIB, streamPageBytesMax: 128 * 1024 };

const readOf = (subscriber: string, transport: 'poll' | 'sse' = 'poll'): GrantedRead =>
  ({ asked: { transport }, subscriber, address: '127.0.0.1' }) as GrantedRead;
const READ = readOf('ann');

/** The part of a socket and its response that the code reads. */
class StalledSocket extends EventEmitter {
  readonly bytesWritten = 0;
  destroyed = false;
  writableLength = 1;
  readonly flushes: (() => void)[] = [];

  write(_text: string, flushed: () => void): boolean {
    this.flushes.push(flushed);
    return false;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

describe('answers that are not read', () => {
  let clock: ManualClock;
  let unread: UnreadAnswers;
  let security: SecurityEvents;

  beforeEach(() => {
    clock = new ManualClock();
    security = new SecurityEvents(clock, new Observers(rethrow));
    unread = new UnreadAnswers(clock, LIMITS, security);
  });

  const keep = (socket: StalledSocket, content: string | Uint8Array, read = READ): Promise<void> =>
    unread.untilFlushed(socket as unknown as Socket, content, read)!;

  function stall(bytes: number): StalledSocket {
    const socket = new StalledSocket();
    void keep(socket, Buffer.alloc(bytes));
    return socket;
  }

  test('are not counted after they are flushed to the kernel', () => {
    const socket = Object.assign(new StalledSocket(), { writableLength: 0 });
    expect(unread.untilFlushed(socket as unknown as Socket, 'x', READ)).toBeUndefined();
    const request = { httpVersionMajor: 1, socket };
    for (const state of [{ writableFinished: true }, { writableEnded: true, writableLength: 0 }]) {
      expect(unread.untilFinished({ ...state, req: request } as unknown as ServerResponse, 'x', READ)).toBeUndefined();
    }
    expect(unread.counts()).toEqual({ unreadConnections: 0, unreadBytes: 0 });
  });

  test('count until they are flushed, in bytes of UTF-8', async () => {
    const socket = new StalledSocket();
    const flushed = keep(socket, '€'.repeat(100));
    expect(unread.counts()).toEqual({ unreadConnections: 1, unreadBytes: 300 + OVERHEAD });
    socket.flushes[0]!();
    await flushed;
    expect(unread.counts()).toEqual({ unreadConnections: 0, unreadBytes: 0 });
    expect([socket.listenerCount('close'), clock.pendingTimers]).toEqual([0, 0]);
  });

  test('count once if connections share a buffer', () => {
    const shared = Buffer.alloc(MIB);
    const sockets = Array.from({ length: 100 }, () => new StalledSocket());
    for (const socket of sockets) void keep(socket, shared);
    expect(unread.counts()).toEqual({ unreadConnections: 100, unreadBytes: MIB + 100 * OVERHEAD });
    for (const socket of sockets) socket.destroy();
    expect(unread.counts()).toEqual({ unreadConnections: 0, unreadBytes: 0 });
  });

  test('count for each connection over TLS, which copies them', () => {
    const shared = Buffer.alloc(MIB);
    for (let n = 0; n < 3; n++) void keep(Object.assign(new StalledSocket(), { encrypted: true }), shared);
    expect(unread.counts().unreadBytes).toBe(3 * (MIB + OVERHEAD));
  });

  test('are removed when their connection closes, with one listener for all', async () => {
    const socket = new StalledSocket();
    const request = { httpVersionMajor: 1, socket } as unknown as IncomingMessage;
    const answers = Array.from({ length: 100 }, () => {
      const raw = Object.assign(new EventEmitter(), { req: request, writableFinished: false });
      return unread.untilFinished(raw as unknown as ServerResponse, 'x', READ)!;
    });
    expect(socket.listenerCount('close')).toBe(1);
    socket.destroy();
    await Promise.all(answers);
    expect(unread.counts()).toEqual({ unreadConnections: 0, unreadBytes: 0 });
  });

  test('close a connection that does not read for too long, but not one that reads slowly', async () => {
    const [stalled, slow] = [stall(1), stall(1)];
    void keep(slow, 'x');
    await clock.advance(LIMITS.msMax - 1);
    slow.flushes[0]!();
    await clock.advance(1);
    expect([stalled.destroyed, slow.destroyed]).toEqual([true, false]);
    await clock.advance(LIMITS.msMax);
    expect(slow.destroyed).toBe(true);
  });

  test('make pages smaller near the bound, in powers of two', () => {
    const sizes = new Set<number>();
    const fill = (): void => {
      sizes.add(unread.pollBytes());
      stall(unread.pollBytes());
    };
    expect([unread.pollBytes(), unread.streamBytes()]).toEqual([MIB, 128 * 1024]);
    while (unread.pollBytes() > 16 * 1024) fill();
    expect([...sizes]).toEqual([1024, 512, 256, 128, 64, 32].map((kib) => kib * 1024));
    expect(unread.streamBytes()).toBe(16 * 1024);
    expect(unread.counts().unreadBytes).toBeLessThan(LIMITS.bytesMax);
  });

  test('close the connections that keep the most bytes for the longest time, above the bound', async () => {
    const large = [stall(2 * MIB), stall(2 * MIB)];
    const small = Array.from({ length: 30 }, () => stall(64 * 1024));
    await clock.advance(1000);
    const newest = stall(3 * MIB);
    expect(large.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    expect([...small, newest].some(({ destroyed }) => destroyed)).toBe(false);
    expect(unread.counts().unreadBytes).toBeLessThanOrEqual((LIMITS.bytesMax * 7) / 8);
  });

  test('report each closed connection: the limit, its bytes, and the read of its oldest answer', async () => {
    const events: SecurityEvent[] = [];
    security.observable.subscribe((event) => events.push(event));
    const stalled = new StalledSocket();
    void keep(stalled, 'x'.repeat(10), readOf('ann', 'sse'));
    void keep(stalled, '€', readOf('bob'));
    await clock.advance(LIMITS.msMax);
    const at = new Date(clock.now());
    const cut = { type: 'cut', at, address: '127.0.0.1' };
    const tooLate = { ...cut, limit: 'stream.unreadMsMax', route: 'stream', subscriber: 'ann', unreadBytes: 13 };
    expect(events.splice(0)).toEqual([tooLate]);
    void keep(new StalledSocket(), Buffer.alloc(LIMITS.bytesMax), readOf('bob'));
    const tooLarge = { ...cut, limit: 'limits.unreadBytesMax', route: 'poll', subscriber: 'bob' };
    expect(events.splice(0)).toEqual([{ ...tooLarge, unreadBytes: LIMITS.bytesMax }]);
    stall(1).destroy();
    stall(1);
    unread.cutAll();
    expect(events).toEqual([]);
  });

  test('close a connection with its own bytes before connections that share a buffer', async () => {
    const shared = Buffer.alloc(4 * MIB);
    const sharers = Array.from({ length: 100 }, () => new StalledSocket());
    for (const socket of sharers) void keep(socket, shared);
    const alone = stall(3 * MIB);
    await clock.advance(1000);
    stall(2 * MIB);
    expect([alone.destroyed, sharers.some(({ destroyed }) => destroyed)]).toEqual([true, false]);
  });

  test('are listed by the product of bytes and age, up to a number of clients', async () => {
    for (const [name, bytes] of Object.entries({ ann: 100, bob: 90_000, cem: 80_000 }))
      void keep(new StalledSocket(), Buffer.alloc(bytes), readOf(name));
    await clock.advance(1_000);
    void keep(new StalledSocket(), Buffer.alloc(100_000), readOf('dan'));
    await clock.advance(100);
    const names = (count: number) => unread.slowest(count).map(({ read }) => read.subscriber);
    expect([names(0), names(2), names(9)]).toEqual([[], ['bob', 'cem'], ['bob', 'cem', 'dan', 'ann']]);
  });
});
