import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../support/time/until.js';
import { COLUMNS, DemoPage, span } from './demo-page.js';
import { inChromium } from './in-chromium.js';
import { bundledMain, MainProcess } from './main-process.js';

/** The browser's messages about requests that are refused or find no server. */
const FAILED = /net::ERR_|the server responded with a status of 403/;

inChromium('the bell of the demo page', (browser) => {
  let main: MainProcess;
  let url: string;

  beforeAll(async () => {
    main = new MainProcess(bundledMain(), { SOURCE_SECONDS: '0', RETRY_SECONDS: '0.25' });
    url = await main.url();
  });

  afterAll(async () => {
    await main.stop();
  });

  const focused = (demo: DemoPage) =>
    demo.page.evaluate('document.activeElement.innerText || document.activeElement.id');
  const badge = (demo: DemoPage) => demo.page.locator('#bell-badge');
  const isNew = (demo: DemoPage) => demo.page.locator('#bell-list [data-new]');

  it('counts unread items, and announces the count politely (aria-live)', async () => {
    const demo = await DemoPage.open(browser, url);
    expect(await badge(demo).isVisible()).toBe(false);
    await demo.numbers(1, 3);
    await badge(demo).filter({ hasText: /^3$/ }).waitFor();
    expect(await demo.bell.textContent()).toContain('Notifications, 3 unread');
    expect(await demo.page.title()).toBe('(3) nest-notifications');
    await demo.hears('Notifications, 3 unread. The last one: number 3.');
    expect(await demo.page.locator('#announcer').getAttribute('role')).toBe('status');
    await demo.numbers(4, 100);
    await badge(demo).filter({ hasText: '99+' }).waitFor();
    expect(await demo.bell.textContent()).toContain('Notifications, 100 unread');
  });

  it('lists notifications, newest first, and marks them as read when it opens', async () => {
    const demo = await DemoPage.open(browser, url);
    await demo.bell.click();
    await demo.bellPanel.getByText('All quiet').waitFor();
    await demo.bell.click();
    await demo.bellPanel.waitFor({ state: 'hidden' });
    await demo.numbers(1, 3);
    await badge(demo).filter({ hasText: '3' }).waitFor();
    await demo.bell.click();
    expect(await demo.bellPanel.getByRole('listitem').allTextContents()).toEqual(
      [3, 2, 1].map((n) => `New: number ${n}number · demo · just now`),
    );
    expect(await badge(demo).isVisible()).toBe(false);
    expect(await isNew(demo).count()).toBe(3);

    // A notification that arrives while the list is open is new, and read.
    await demo.numbers(4, 4);
    await demo.bellPanel.getByText('number 4').waitFor();
    expect(await badge(demo).isVisible()).toBe(false);
    expect(await demo.page.title()).toBe('nest-notifications');
    await demo.hears('New notification: number 4.');
    await demo.bellPanel.getByRole('button', { name: 'Close' }).click();
    // The browser reports the end of the panel in an event that follows.
    await until(async () => (await isNew(demo).count()) === 0);
    await demo.numbers(5, 5);
    await badge(demo).filter({ hasText: /^1$/ }).waitFor();
  });

  it('ignores the process samples', async () => {
    const demo = await DemoPage.open(browser, url);
    await demo.numbers(1, 2, 'system.pulse');
    await demo.shows('Bell', [1, 2]);
    await fetch(`${url}notifications`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ topic: 'system.pulse', type: 'process.sample', data: { text: 'number 3' } }),
    });
    await demo.reach('Bell', 3);
    await demo.numbers(4, 4);
    await demo.shows('Bell', [1, 2, 4]);
  });

  describe('with the keyboard', () => {
    it.each(['Enter', 'Space', 'ArrowDown'])('opens with %s, and returns the focus on Escape', async (key) => {
      const demo = await DemoPage.open(browser, url);
      await demo.numbers(1, 2);
      await demo.shows('Bell', [1, 2]);
      await demo.bell.focus();
      await demo.page.keyboard.press(key);
      await until(async () => String(await focused(demo)).includes('number 2'));
      expect(await demo.bell.getAttribute('aria-expanded')).toBe('true');
      await demo.page.keyboard.press('Escape');
      await demo.bellPanel.waitFor({ state: 'hidden' });
      expect(await focused(demo)).toContain('Notifications');
      expect(await demo.page.evaluate('document.activeElement.id')).toBe('bell');
      await until(async () => (await demo.bell.getAttribute('aria-expanded')) === 'false');
    });

    it('moves through the list with the arrow keys, expands items with Enter, and takes one Tab stop', async () => {
      const demo = await DemoPage.open(browser, url);
      const { keyboard } = demo.page;
      await demo.numbers(1, 5);
      await demo.shows('Bell', span(1, 5));
      await demo.bell.focus();
      await keyboard.press('Enter');
      await until(async () => String(await focused(demo)).includes('number 5'));
      const steps = ['ArrowUp', 'ArrowDown', 'ArrowDown', 'End', 'ArrowDown', 'ArrowUp', 'Home'];
      const places: string[] = [];
      for (const key of steps) {
        await keyboard.press(key);
        places.push(/number \d/.exec(String(await focused(demo)))![0]);
      }
      expect(places).toEqual([5, 4, 3, 1, 1, 2, 5].map((n) => `number ${n}`));

      await keyboard.press('ArrowDown');
      await keyboard.press('Enter');
      const item = demo.bellPanel.getByRole('button', { name: 'number 4' });
      expect(await item.getAttribute('aria-expanded')).toBe('true');
      await demo.bellPanel.getByText('"topic": "demo"').waitFor();
      await keyboard.press('Space');
      expect(await item.getAttribute('aria-expanded')).toBe('false');
      expect(await demo.bellPanel.locator('pre').count()).toBe(0);

      // A new notification does not move the focus.
      await demo.numbers(6, 6);
      await demo.shows('Bell', span(1, 6));
      expect(await focused(demo)).toContain('number 4');
      await keyboard.press('Shift+Tab');
      expect(await focused(demo)).toBe('Close');
      await keyboard.press('Tab');
      expect(await focused(demo)).toContain('number 4');
      for (const key of ['Shift+Tab', 'Shift+Tab']) await keyboard.press(key);
      expect(await demo.page.evaluate('document.activeElement.id')).toBe('bell');
      await keyboard.press('ArrowDown');
      expect(await focused(demo)).toContain('number 4');
      await keyboard.press('Tab');
      await demo.bellPanel.waitFor({ state: 'hidden' });
    });
  });

  describe('shows the state of the client', () => {
    const state = (demo: DemoPage) => demo.page.locator('#client-state');
    const status = (demo: DemoPage) => demo.page.locator('#bell-status');

    it('live, offline, and live again', async () => {
      const demo = await DemoPage.open(browser, url);
      await demo.bell.click();
      await status(demo)
        .filter({ hasText: /^Live: by event stream$/ })
        .waitFor();
      await demo.page.context().setOffline(true);
      await status(demo)
        .filter({ hasText: /^Offline: this device is off the network$/ })
        .waitFor();
      await demo.hears('Bell: Offline: this device is off the network.');
      expect((await state(demo).textContent())!.trim()).toBe('Bell: Offline');
      await demo.numbers(1, 2);
      await demo.page.context().setOffline(false);
      await status(demo).filter({ hasText: /^Live/ }).waitFor();
      await demo.shows('Bell', [1, 2]);
      browser.expectComplaints(FAILED);
    });

    it('waiting, and long polling if a proxy buffers streams', async () => {
      const demo = await DemoPage.open(browser, url);
      let isReachable = false;
      await demo.page.route('**/notifications?**', (route) => {
        if (!isReachable) return route.abort();
        // As a proxy that holds streams back, and lets polls through.
        const isStream = route.request().headers().accept === 'text/event-stream';
        return isStream ? route.fulfill({ contentType: 'text/html', body: 'not a stream' }) : route.continue();
      });
      await demo.page.context().setOffline(true);
      await state(demo).filter({ hasText: 'Offline' }).waitFor();
      await demo.page.context().setOffline(false);
      await demo.page.locator('#client-about', { hasText: 'no answer from the server' }).waitFor();
      isReachable = true;
      await demo.page.locator('#client-about', { hasText: 'by long poll' }).waitFor();
      await demo.numbers(1, 2);
      await demo.shows('Bell', [1, 2]);
      browser.expectComplaints(FAILED);
    });

    it('closed, with the server’s reason, until the user reconnects', async () => {
      const demo = await DemoPage.open(browser, url);
      const body = JSON.stringify({ statusCode: 403, message: 'These topics are not yours.', code: 'forbidden' });
      await demo.page.route('**/notifications?**', (route) =>
        route.fulfill({ status: 403, contentType: 'application/json', body }),
      );
      await demo.follow('demo');
      await state(demo).filter({ hasText: 'Closed' }).waitFor();
      await demo.hears('Bell: Closed: These topics are not yours.');
      for (const name of COLUMNS) {
        await demo.column(name).locator('.pill', { hasText: 'offline' }).waitFor();
        await demo.column(name).getByText('These topics are not yours.').waitFor();
      }
      await demo.bell.click();
      await status(demo).filter({ hasText: 'Closed: These topics are not yours.' }).waitFor();
      await demo.page.unrouteAll();
      await demo.bellPanel.getByRole('button', { name: 'Connect again' }).click();
      await status(demo).filter({ hasText: /^Live/ }).waitFor();
      await demo.areLive();
      expect(await demo.page.evaluate('document.activeElement.id')).toBe('bell-panel');
      await demo.numbers(1, 1);
      await demo.shows('Bell', [1]);
      browser.expectComplaints(FAILED);
    });
  });
});
