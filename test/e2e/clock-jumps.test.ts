import { describe, expect, test } from '@jest/globals';
import { ADAPTERS_AND_LANE, forEachAdapter } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { holdPoll, numbers, poll, publish, upTo } from '../support/http/feed.js';
import { request } from '../support/http/connection.js';
import { SseReader } from '../support/http/sse.js';
import { turn } from '../support/time/until.js';
import { JumpingClock } from '../support/jumping-clock.js';

const HOUR_MS = 3_600_000;

forEachAdapter((adapter) => {
  describe.each([
    ['forwards', HOUR_MS],
    ['back', -HOUR_MS],
  ])('a wall clock that jumps an hour %s', (_, jumpMs) => {
    async function start() {
      const clock = new JumpingClock();
      const access = { read: 'public', publish: 'public', subscriber: () => 'ann' } as const;
      const app = await startApp(adapter, { notifications: { access, clock, tickets: {} } });
      return { app, jump: () => (clock.offsetMs = jumpMs) };
    }

    test('ends no wait early or late, and loses no notification', async () => {
      const { app, jump } = await start();
      const old = await publish(app, 'orders');
      const held = await holdPoll(app, 'topic=orders&wait=20');
      const reader = await SseReader.open(app, 'topic=orders');
      await reader.opening();
      jump();
      await turn(20);
      expect(app.counts().waiters).toBe(2);
      const startedMs = performance.now();
      const { json } = await poll(app, 'topic=quiet&wait=1');
      expect(json.notifications).toEqual([]);
      const tookMs = performance.now() - startedMs;
      expect(tookMs).toBeGreaterThan(990);
      expect(tookMs).toBeLessThan(HOUR_MS / 100);
      await publish(app, 'orders', 1, 2);
      expect(numbers((await held.response()).json.notifications)).toEqual([2]);
      expect(numbers(await reader.notifications(1))).toEqual([2]);
      const all = await poll(app, 'topic=orders&cursor=earliest');
      expect(numbers(all.json.notifications)).toEqual(upTo(2));
      const since = await poll(app, `topic=orders&cursor=${old}`);
      expect(since.json).toMatchObject({ notifications: [{ data: { n: 2 } }] });
      expect(since.json.gap).toBeUndefined();
    });

    test('expires unused tickets, and ends no stream of a used ticket', async () => {
      const { app, jump } = await start();
      const ticketOf = async (): Promise<string> => {
        const body = JSON.stringify({ topics: ['orders'] });
        const headers = { 'Content-Type': 'application/json' };
        return (await request(app, { method: 'POST', path: '/notifications/tickets', headers, body })).json.ticket;
      };
      const unused = await ticketOf();
      const reader = await SseReader.open(app, `ticket=${await ticketOf()}`);
      await reader.opening();
      jump();
      const refused = await SseReader.open(app, `ticket=${unused}`);
      expect(refused.head.status).toBe(401);
      expect(refused.head.text).toContain('ticket_expired');
      await publish(app, 'orders');
      expect(numbers(await reader.notifications(1))).toEqual([1]);
      const fresh = await SseReader.open(app, `ticket=${await ticketOf()}`);
      expect(fresh.head.status).toBe(200);
      await Promise.all([reader.close(), refused.close(), fresh.close()]);
    });
  });
}, ADAPTERS_AND_LANE);
