import { describe, expect, test } from '@jest/globals';
import type { CDPSession } from 'playwright-core';
import { inDepth } from '../support/depth.js';
import { OPEN } from '../support/http/app.js';
import { publish, upTo } from '../support/http/feed.js';
import { until } from '../support/time/until.js';
import { serve, Tab } from './client-page.js';
import { inChromium } from './in-chromium.js';

/** By each of the two transports. */
const RECONNECTS = inDepth(150, 500);
/** Reconnects before the first heap measurement: code is compiled, caches are filled. */
const WARM_UP = 100;
/** A kilobyte for each is less than any object that a connection could leave behind. */
const GROWTH_BYTES_MAX = Math.max(250_000, RECONNECTS * 1_000);

/** The connections that a browser opens to one server. */
const SOCKETS_MAX = 6;

/** Loses the network, publishes, and is back: until so many have been seen. */
const RECONNECT = `
  window.reconnect = async (to) => {
    while (seen.length < to) {
      const n = seen.length + 1;
      dispatchEvent(new Event('offline'));
      const body = JSON.stringify({ topic: 'orders', type: 'numbered', data: { n } });
      await fetch('/notifications', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
      dispatchEvent(new Event('online'));
      await new Promise((resolve) => {
        const { unsubscribe } = feed.subscribe(() => {
          unsubscribe();
          resolve();
        });
      });
    }
  };
`;

/**
 * Halts all scripts of the page, as sleep does, and dispatches `resume` afterwards, as a browser
 * does. (A page that is frozen by the DevTools protocol must be hidden, which pages in a headless
 * browser never are.)
 */
const SLEEP = `
  const before = seen.length;
  debugger;
  const after = seen.length;
  document.dispatchEvent(new Event('resume'));
  before + ', then ' + after;
`;

const cdpOf = ({ page }: Tab): Promise<CDPSession> => page.context().newCDPSession(page);

async function heapBytes(cdp: CDPSession): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize;
}

inChromium('a page that is open for long', (browser) => {
  describe.each(['poll', 'sse'])('by %s', (transport) => {
    test('catches up after the page was frozen', async () => {
      const app = await serve();
      const tab = await Tab.open(browser, app, `/page?transport=${transport}`);
      await tab.isLive();
      await until(() => app.counts().waiters === 1);
      await publish(app, 'orders', 2);
      await tab.sees(2);
      const cdp = await cdpOf(tab);
      await cdp.send('Debugger.enable');
      const halted = new Promise((resolve) => cdp.once('Debugger.paused', resolve));
      const slept = cdp.send('Runtime.evaluate', { expression: SLEEP });
      await halted;
      await publish(app, 'orders', 3, 3);
      await until(() => app.counts().waiters === (transport === 'sse' ? 1 : 0));
      for (const socket of app.sockets) socket.destroy();
      await publish(app, 'orders', 3, 6);
      await cdp.send('Debugger.resume');
      expect((await slept).result.value).toBe('2, then 2');
      await tab.sees(8);
      expect(await tab.seen()).toEqual(upTo(8));
      browser.expectComplaints(/ERR_(CONNECTION_|EMPTY_RESPONSE|INCOMPLETE|NETWORK)/);
    });

    test(`reconnects ${RECONNECTS} times without a loss or a leak`, async () => {
      const app = await serve({ notifications: OPEN });
      const tab = await Tab.open(browser, app, `/page?transport=${transport}`);
      await until(() => app.counts().waiters === 1);
      await tab.page.evaluate(RECONNECT);
      const cdp = await cdpOf(tab);
      const reconnect = (to: number) => tab.page.evaluate(`reconnect(${to})`);
      await reconnect(WARM_UP);
      const before = await heapBytes(cdp);
      await reconnect(WARM_UP + RECONNECTS);
      expect((await heapBytes(cdp)) - before).toBeLessThan(GROWTH_BYTES_MAX);
      expect(await tab.seen()).toEqual(upTo(WARM_UP + RECONNECTS));
      await until(() => app.counts().waiters === 1 && app.sockets.size <= SOCKETS_MAX);
      await tab.page.evaluate('feed.close()');
      await until(() => app.counts().waiters === 0);
    }, 60_000);
  });
});
