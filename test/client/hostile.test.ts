import { describe, expect, test } from '@jest/globals';
import type { DeviceEvent } from '../../src/client/environment.js';
import { NotificationsFeed } from '../../src/client/notifications-feed.js';
import { inDepth } from '../support/depth.js';
import { Random } from '../support/random.js';
import { upTo } from '../support/http/feed.js';
import { HostileServer } from './hostile-server.js';
import { ManualDevice } from './manual-device.js';

/** CLIENT_SEEDS sets another number. */
const SEEDS = Number(process.env.CLIENT_SEEDS ?? inDepth(20, 200));
const MINUTES = 10;
const EVENTS: readonly DeviceEvent[] = ['offline', 'online', 'hidden', 'visible', 'resumed'];

describe.each(['auto', 'sse', 'poll'] as const)('a client (%s) with a hostile server and device', (transport) => {
  test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
    'receives each notification once and does not send requests in a tight loop: seed %d',
    async (seed) => {
      const random = new Random(seed);
      const device = new ManualDevice();
      const { clock } = device;
      const server = new HostileServer(clock, random);
      const environment = device.environment(server.fetch, () => random.next());
      const feed = new NotificationsFeed<{ n: number }>({ url: 'http://feed/', cursor: 'c0', transport }, environment);
      const seen: number[] = [];
      feed.subscribe(({ n }) => seen.push(n));
      for (let second = 0; second < 60 * MINUTES; second++) {
        if (random.chance(0.3)) server.publish(random.from(1, 5));
        if (random.chance(0.05)) device.emit(random.pick(EVENTS));
        // The device has slept.
        if (random.chance(0.01)) device.sleptMs += random.from(1, 3_600_000);
        await clock.advance(1_000);
      }
      expect(feed.state.phase).not.toBe('closed');
      // A request returns notifications, or a pause follows it. The first one after a failure may
      // be short.
      expect(server.requests).toBeLessThan(server.head + 3 * 60 * MINUTES);
      server.faults = 0;
      for (const event of ['online', 'visible'] as const) device.emit(event);
      // At least as long as the longest pause that a server can request.
      for (let minute = 0; minute < 70 && seen.length < server.head; minute++) await clock.advance(60_000);
      expect(seen).toEqual(upTo(server.head));
      feed.close();
      await clock.settle();
      expect(clock.pendingTimers).toBe(0);
    },
  );
});
