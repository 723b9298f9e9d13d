import { expect, test } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { getNotificationsToken, NotificationsModule, type NotificationsService } from 'nest-notifications';
import { InboxModule, InboxService } from 'nest-notifications/inbox';
import type { Request, Response } from 'express';
import type { Page } from 'playwright-core';
import type { TestApp } from '../support/http/app.js';
import { until } from '../support/time/until.js';
import { bundle } from './bundle.js';
import { serve, Tab } from './client-page.js';
import { inChromium } from './in-chromium.js';

/** A bell in React, in StrictMode. A click on an item marks it as read. */
const SCRIPT = `
import { createElement, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createInbox, queueIn } from 'nest-notifications/client/inbox';
import { betweenTabs } from 'nest-notifications/client/tabs';
import { useInbox } from 'nest-notifications/react';
const share = location.search === '?share' ? betweenTabs('inbox of ann') : undefined;
window.inbox = createInbox({ url: '/inbox', queue: queueIn(sessionStorage, 'ann'), share });
inbox.subscribe(() => {
  if (inbox.items.some(({ notification, read }) => notification.id === 'a2' && read)) window.readAt ??= Date.now();
});
function Bell() {
  const { status, counts, items, pending } = useInbox(inbox);
  const text = ({ notification, read }) => notification.id + (read ? ' read' : ' unread');
  return createElement('section', null,
    createElement('p', { id: 'state' }, status + ': ' + counts.unread + ' of ' + counts.total + ', pending ' + pending),
    createElement('ul', null, items.map((item) =>
      createElement('li', { key: item.notification.id, onClick: () => inbox.markRead(item) }, text(item)))));
}
createRoot(document.getElementById('root')).render(createElement(StrictMode, null, createElement(Bell)));
`;

inChromium('the client of the inbox', (browser) => {
  async function start(
    count: number,
    configure: (nest: INestApplication) => unknown = () => undefined,
  ): Promise<{ app: TestApp; inbox: InboxService; waiters: () => number }> {
    const imports = [
      NotificationsModule.forRoot({ access: 'public' }),
      InboxModule.forRoot({ access: { subscriber: () => 'ann' } }),
    ];
    const app = await serve({ imports, configure }, new Map([['/bell.js', bundle(SCRIPT)]]));
    const inbox = app.nest.get(InboxService, { strict: false });
    for (let n = 1; n <= count; n++) await inbox.send('ann', { id: `a${n}`, type: 'comment', data: null });
    const feed = app.nest.get<NotificationsService>(getNotificationsToken('inbox'), { strict: false });
    return { app, inbox, waiters: () => feed.counts().waiters };
  }

  const state = (page: Page, text: string) => page.locator('#state', { hasText: text }).waitFor();
  const listOf = (page: Page) => page.locator('li').allTextContents();

  /** Runs code with `inbox` in the page. */
  const run = (page: Page, code: string) => page.evaluate(code);

  async function open(app: TestApp, width = 1_200, path = '/bell'): Promise<Page> {
    const { page } = await Tab.open(await browser.newContext(), app, path);
    await page.setViewportSize({ width, height: 800 });
    await state(page, 'live');
    browser.expectComplaints(/React DevTools/);
    return page;
  }

  test('shows on a desktop and on a phone what another device has read, within a second', async () => {
    const { app } = await start(3);
    const pages = [await open(app), await open(app), await open(app, 360)] as const;
    await pages[0].getByText('a2 unread').click();
    await Promise.all(pages.map((page) => page.getByText('a2 read').waitFor()));
    await Promise.all(pages.map((page) => state(page, 'live: 2 of 3, pending 0')));
    const [here, ...there] = await Promise.all(pages.map((page) => page.evaluate<number>('readAt')));
    expect(Math.max(...there) - here!).toBeLessThan(1_000);
  });

  test('merges ten operations of an offline device with those of another', async () => {
    const { app, inbox } = await start(6);
    const [here, there] = [await open(app, 360), await open(app)] as const;
    await here.context().setOffline(true);
    await state(here, 'offline: 6 of 6');
    await run(here, `for (const id of ['a1', 'a2', 'a3']) void inbox.markRead(id)`);
    await run(here, `void inbox.markUnread('a3'); void inbox.archive('a4'); void inbox.unarchive('a4')`);
    await run(
      here,
      `void inbox.archive('a5'); void inbox.markAllSeen(); void inbox.remove('a6'); void inbox.markRead('a4')`,
    );
    await state(here, 'offline: 1 of 4, pending 10');
    await there.getByText('a3 unread').click();
    await there.getByText('a3 read').waitFor();
    await inbox.send('ann', { id: 'a7', type: 'comment', data: null });
    await there.getByText('a7 unread').waitFor();
    await here.context().setOffline(false);
    for (const page of [here, there]) {
      await state(page, 'live: 2 of 5, pending 0');
      expect(await listOf(page)).toEqual(['a7 unread', 'a4 read', 'a3 unread', 'a2 read', 'a1 read']);
    }
    browser.expectComplaints(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_NETWORK_IO_SUSPENDED/);
  });

  test('sends its queue after a reload of the page', async () => {
    const { app, inbox } = await start(2);
    const page = await open(app);
    let isBlocked = true;
    await page.route('**/inbox', (route) => (isBlocked ? route.abort() : route.continue()));
    await run(page, `void inbox.markRead('a1')`);
    await state(page, '1 of 2, pending 1');
    isBlocked = false;
    await page.reload();
    await state(page, 'live: 1 of 2, pending 0');
    await until(async () => (await inbox.counts('ann')).unread === 1);
    browser.expectComplaints(/ERR_FAILED|React DevTools/);
  });

  test('sends an operation that waits for a connection although the user leaves the page', async () => {
    const held: Response[] = [];
    const hold = (_: Request, response: Response): void => void held.push(response);
    const { app, inbox } = await start(2, (nest) => nest.use('/held', hold));
    const context = await browser.newContext();
    const { page } = await Tab.open(context, app, '/bell');
    await state(page, 'live');
    // Chromium opens at most six connections to a server. Another tab has those that are left.
    const { page: other } = await Tab.open(context, app, '/held.html');
    await run(other, `for (let n = 0; n < 6; n++) void fetch('/held?' + n)`);
    await until(() => held.length === 5);
    await run(page, `void inbox.markRead('a1')`);
    await state(page, '1 of 2, pending 1');
    await page.goto('about:blank');
    await until(() => held.length === 6);
    for (const response of held) response.end();
    await until(async () => (await inbox.counts('ann')).unread === 1);
    browser.expectComplaints(/React DevTools|404/);
  });

  test('has one connection for the tabs of a browser, and the same list in each', async () => {
    const { app, inbox, waiters } = await start(2);
    const context = await browser.newContext();
    const pages: Page[] = [];
    for (let n = 0; n < 2; n++) {
      const { page } = await Tab.open(context, app, '/bell?share');
      await state(page, 'live');
      pages.push(page);
    }
    await until(() => waiters() === 1);
    await pages[1]?.getByText('a1 unread').click();
    await inbox.archive('ann', 'a2');
    for (const page of pages) {
      await state(page, 'live: 0 of 1, pending 0');
      expect(await listOf(page)).toEqual(['a1 read']);
    }
    browser.expectComplaints(/React DevTools/);
  });
});
