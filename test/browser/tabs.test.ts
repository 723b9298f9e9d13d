import { expect, test } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { inDepth } from '../support/depth.js';
import type { TestApp } from '../support/http/app.js';
import { publish, upTo } from '../support/http/feed.js';
import { until } from '../support/time/until.js';
import { serve, Tab } from './client-page.js';
import { inChromium } from './in-chromium.js';

/** More than a browser's six connections to a server in the long form. */
const TABS = inDepth(4, 10);

inChromium('tabs that share a feed', (browser) => {
  async function openTabs(context: BrowserContext, app: TestApp, { count = 1, query = '' } = {}): Promise<Tab[]> {
    const tabs: Tab[] = [];
    while (tabs.length < count) {
      const tab = await Tab.open(context, app, `/page?share=orders${query}`);
      await tab.isLive();
      tabs.push(tab);
    }
    return tabs;
  }

  const all = (tabs: readonly Tab[], count: number) => Promise.all(tabs.map((tab) => tab.sees(count)));

  test.each(['poll', 'sse'])(
    'by %s, have one connection, and another tab takes over when the leader is closed',
    async (transport) => {
      const app = await serve();
      const tabs = await openTabs(await browser.newContext(), app, { count: TABS, query: `&transport=${transport}` });
      expect(app.counts().waiters).toBe(1);
      await publish(app, 'orders', 5);
      await all(tabs, 5);
      for (let from = 6; tabs.length > TABS - 3; from += 5) {
        const leader = tabs.shift();
        const closing = leader?.page.close();
        await publish(app, 'orders', 3, from);
        await closing;
        const startMs = performance.now();
        await until(() => app.counts().waiters === 1);
        expect(performance.now() - startMs).toBeLessThan(1_000);
        await publish(app, 'orders', 2, from + 3);
        await all(tabs, from + 4);
      }
      for (const tab of tabs) expect(await tab.seen()).toEqual(upTo(20));
    },
  );

  test('let a tab with an old cursor catch up, and deliver each notification once', async () => {
    const app = await serve();
    const context = await browser.newContext();
    const first = await openTabs(context, app);
    const cursor = app.service.cursor();
    await publish(app, 'orders', 5);
    const late = await openTabs(context, app, { query: `&cursor=${cursor}` });
    await all(late, 5);
    await publish(app, 'orders', 5, 6);
    await all([...first, ...late], 10);
    for (const tab of [...first, ...late]) expect(await tab.seen()).toEqual(upTo(10));
    expect(app.counts().waiters).toBe(1);
  });

  test('have one connection if they open at the same time', async () => {
    const app = await serve();
    const context = await browser.newContext();
    const tabs = await Promise.all(upTo(3).map(() => Tab.open(context, app, '/page?share=orders')));
    await Promise.all(tabs.map((tab) => tab.isLive()));
    await until(() => app.counts().waiters === 1);
    await publish(app, 'orders', 3);
    await all(tabs, 3);
    expect(app.counts().waiters).toBe(1);
  });

  test('elect another leader when the leader freezes, and have one connection after it resumes', async () => {
    const app = await serve();
    const context = await browser.newContext();
    const [leader, other] = await openTabs(context, app, { count: 2 });
    const session = await context.newCDPSession(leader!.page);
    await session.send('Page.enable');
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    // The other tab resumes, as if the user had opened it.
    await other!.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
    await publish(app, 'orders', 3);
    await other!.sees(3);
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await publish(app, 'orders', 3, 4);
    await all([leader!, other!], 6);
    await until(() => app.counts().waiters === 1);
    for (const tab of [leader!, other!]) expect(await tab.seen()).toEqual(upTo(6));
  });

  test('by poll, deliver at once to a visible tab whose leader is hidden', async () => {
    const app = await serve();
    const [leader, other] = await openTabs(await browser.newContext(), app, { count: 2, query: '&transport=poll' });
    // Playwright keeps all pages visible.
    await leader!.page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
       document.dispatchEvent(new Event('visibilitychange'));`,
    );
    // Its poll ends, so it would pause for ten seconds now.
    await publish(app, 'orders', 1);
    await all([leader!, other!], 1);
    const startMs = performance.now();
    await publish(app, 'orders', 1, 2);
    await all([leader!, other!], 2);
    expect(performance.now() - startMs).toBeLessThan(5_000);
    await until(() => app.counts().waiters === 1);
  });
});
