import { expect, test } from '@jest/globals';
import type { Request } from 'express';
import { publish, upTo } from '../support/http/feed.js';
import { until } from '../support/time/until.js';
import { bundle } from './bundle.js';
import { serve, Tab } from './client-page.js';
import { inChromium } from './in-chromium.js';

const PAGE = `
import { createElement, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useNotifications } from 'nest-notifications/react';
function Orders() {
  const { notifications, state } = useNotifications({ url: '/notifications', topics: ['orders'], cursor: 'earliest', keep: 3 });
  return createElement('p', { id: 'orders' }, state.phase + ': ' + notifications.map(({ data }) => data.n).join());
}
function App() {
  const [isShown, show] = useState(true);
  return createElement('div', null, isShown && createElement(Orders), createElement('button', { onClick: () => show(false) }, 'leave'));
}
createRoot(document.getElementById('root')).render(createElement(StrictMode, null, createElement(App)));
`;

const FEED = "url: '/notifications', topics: ['orders'], cursor: 'earliest'";

/** Three components in StrictMode, each with two buttons. */
const page = (provided: string, own: string) => `
import { createElement, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { betweenTabs } from 'nest-notifications/client/tabs';
import { NotificationsProvider, useNotifications } from 'nest-notifications/react';
function Orders({ name }) {
  const { notifications, feed, ack, clear } = useNotifications({ ${own} });
  window.feeds = (window.feeds ?? new Set()).add(feed);
  const button = (text, onClick) => createElement('button', { onClick }, text + name);
  return createElement('div', null,
    createElement('p', null, name + ': ' + notifications.map(({ data }) => data.n).join()),
    button('clear ', clear),
    button('ack ', () => notifications.forEach(ack)));
}
const names = ['a', 'b', 'c'].map((name) => createElement(Orders, { key: name, name }));
const root = ${provided ? `createElement(NotificationsProvider, { options: { ${provided} } }, names)` : 'names'};
createRoot(document.getElementById('root')).render(createElement(StrictMode, null, root));
`;

inChromium('the hook for React', (browser) => {
  test('keeps the newest notifications, and closes its feed with its component', async () => {
    const app = await serve({}, new Map([['/react.js', bundle(PAGE)]]));
    await publish(app, 'orders', 5);
    const { page } = await Tab.open(browser, app, '/react');
    await page.getByText('live: 3,4,5').waitFor();
    await publish(app, 'orders', 1, 6);
    await page.getByText('live: 4,5,6').waitFor();
    await page.getByRole('button', { name: 'leave' }).click();
    await until(() => app.counts().waiters === 0);
    browser.expectComplaints(/React DevTools/);
  });

  const open = async (script: string, count = 1) => {
    const polls: string[] = [];
    const configure = (nest: {
      use(handler: (request: Request, _: unknown, next: () => void) => void): void;
    }): void => {
      nest.use(({ path }, _, next) => {
        if (path === '/notifications') polls.push(path);
        next();
      });
    };
    const app = await serve({ configure }, new Map([['/react.js', bundle(script)]]));
    await publish(app, 'orders', 2);
    const context = await browser.newContext();
    const tabs = await Promise.all(upTo(count).map(() => Tab.open(context, app, '/react')));
    const shows = (text: string) =>
      Promise.all(
        tabs.flatMap(({ page }) => ['a', 'b', 'c'].map((name) => page.getByText(`${name}: ${text}`).waitFor())),
      );
    await shows('1,2');
    await until(() => app.counts().waiters === 1);
    browser.expectComplaints(/React DevTools/);
    return { app, page: tabs[0]!.page, polls, shows };
  };

  test('opens one feed and one stream for three components below a provider, in StrictMode', async () => {
    const { app, page: tab, polls, shows } = await open(page(FEED, ''));
    await publish(app, 'orders', 1, 3);
    await shows('1,2,3');
    expect(polls).toHaveLength(1);
    expect(await tab.evaluate('[...feeds].filter((feed) => feed).length')).toBe(1);
    await tab.getByRole('button', { name: 'clear b' }).click();
    await tab.getByText('3').first().waitFor({ state: 'detached' });
    await publish(app, 'orders', 1, 4);
    await shows('4');
  });

  test('acknowledges notifications', async () => {
    const store = "store: { load: () => null, save: (cursor) => { window.saved = cursor } }, ack: 'manual'";
    const { app, page: tab } = await open(page(`${FEED}, ${store}`, ''));
    const saved = () => tab.evaluate<string>('window.saved');
    const before = await saved();
    await tab.getByRole('button', { name: 'ack a' }).click();
    await until(async () => (await saved()) !== before);
    const rest = await fetch(`http://127.0.0.1:${app.port}/notifications?topic=orders&wait=0&cursor=${await saved()}`);
    expect(await rest.json()).toMatchObject({ notifications: [] });
  });

  test('opens one connection for three components that share without a provider', async () => {
    const { app, shows } = await open(page('', `${FEED}, share: betweenTabs('ann')`));
    await publish(app, 'orders', 1, 3);
    await shows('1,2,3');
    expect(app.counts().waiters).toBe(1);
  });

  test('opens one connection for two pages that open at the same time', async () => {
    const { app, shows } = await open(page(`${FEED}, share: betweenTabs('ann')`, ''), 2);
    await publish(app, 'orders', 1, 3);
    await shows('1,2,3');
    expect(app.counts().waiters).toBe(1);
  });
});
