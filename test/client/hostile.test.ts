import { describe, expect, test } from '@jest/globals';
import type { DeviceEvent } from '../../src/client/environment.js';
import { Feed } from '../../src/client/feed.js';
import { Random } from '../support/http/random.js';
import { upTo } from '../support/http/feed.js';
import { HostileServer } from './hostile-server.js';
import { ManualDevice } from './manual-device.js';

/** More with CLIENT_SEEDS. */
const SEEDS = Number(process.env.CLIENT_SEEDS ?? 20);
const MINUTES = 10;
const EVENTS: readonly DeviceEvent[] = ['offline', 'online', 'hidden', 'visible', 'woken'];

describe.each(['auto', 'sse', 'poll'] as const)(
  'a client (%s) whose server and device do what they like',
  (transport) => {
    test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
      'loses nothing, doubles nothing and does not spin: seed %d',
      async (seed) => {
        const random = new Random(seed);
        const device = new ManualDevice();
        const { clock } = device;
        const server = new HostileServer(clock, random);
        const environment = device.environment(server.fetch, () => random.next());
        const feed = new Feed<{ n: number }>({ url: 'http://feed/', cursor: 'c0', transport }, environment);
        const seen: number[] = [];
        feed.subscribe(({ n }) => seen.push(n));
        for (let second = 0; second < 60 * MINUTES; second++) {
          if (random.chance(0.3)) server.publish(random.from(1, 5));
          if (random.chance(0.05)) device.tell(random.pick(EVENTS));
          // The device slept.
          if (random.chance(0.01)) device.sleptMs += random.from(1, 3_600_000);
          await clock.advance(1_000);
        }
        expect(feed.state.phase).not.toBe('closed');
        // Each brings news, or is followed by a pause; the first one after a failure may be short.
        expect(server.requests).toBeLessThan(server.head + 3 * 60 * MINUTES);
        server.faults = 0;
        for (const event of ['online', 'visible'] as const) device.tell(event);
        // As long as the most patience that a server can ask for.
        for (let minute = 0; minute < 70 && seen.length < server.head; minute++) await clock.advance(60_000);
        expect(seen).toEqual(upTo(server.head));
        feed.close();
        await clock.settle();
        expect(clock.pendingTimers).toBe(0);
      },
    );
  },
);
