import { expect, it } from '@jest/globals';
import { until } from '../support/time/until.js';
import { violationsOn } from './axe.js';
import { inChromium } from './in-chromium.js';
import { InboxPage, serveInbox } from './inbox-page.js';

/** The browser's messages about requests that fail. */
const FAILED = /net::ERR_|the server responded with a status of 40[03]/;

inChromium('the element notification-inbox', (browser) => {
  it('shows the unread count, and updates it in two pages', async () => {
    const app = await serveInbox();
    await app.send(1, 2);
    const first = await InboxPage.open(browser, app);
    const second = await InboxPage.open(await (await browser.newContext()).newPage(), app);
    for (const { badge } of [first, second]) await badge.filter({ hasText: /^2$/ }).waitFor();
    await app.send(3);
    for (const { badge } of [first, second]) await badge.filter({ hasText: /^3$/ }).waitFor();
    expect(await second.bell.getAttribute('aria-label')).toBe('Notifications, 3 unread');
    await first.openPanel();
    await first
      .item('item 2')
      .getByRole('button', { name: /^Mark as read/ })
      .click();
    await second.badge.filter({ hasText: /^2$/ }).waitFor();
    await first.button('Mark all as read').click();
    await second.badge.waitFor({ state: 'hidden' });
    expect(await second.bell.getAttribute('aria-label')).toBe('Notifications');
  });

  it('shows 99+ above the cap', async () => {
    const app = await serveInbox({ options: { counts: { cap: 2 } } });
    await app.send(1, 3);
    const { badge, bell } = await InboxPage.open(browser, app);
    await badge.filter({ hasText: /^2\+$/ }).waitFor();
    expect(await bell.getAttribute('aria-label')).toBe('Notifications, 2+ unread');
  });

  it('lists items, newest first, marks them as seen, and keeps them unread', async () => {
    const app = await serveInbox();
    const inbox = await InboxPage.open(browser, app);
    await inbox.openPanel();
    await inbox.panel.getByText('No notifications yet').waitFor();
    await app.send(1, 3);
    await inbox.item('item 3').waitFor();
    expect(await inbox.titles()).toEqual(['item 3', 'item 2', 'item 1']);
    await until(async () => (await app.inbox.counts('ann')).unseen === 0);
    expect((await app.inbox.counts('ann')).unread).toBe(3);
    await inbox.page.keyboard.press('Escape');
    await inbox.panel.waitFor({ state: 'hidden' });
    await app.send(4);
    await inbox.badge.filter({ hasText: '4' }).waitFor();
    expect((await app.inbox.counts('ann')).unseen).toBe(1);
  });

  it('leaves an item unread that arrives between the paint and the click on "Mark all as read"', async () => {
    const app = await serveInbox();
    await app.send(1);
    const inbox = await InboxPage.open(browser, app);
    await inbox.openPanel();
    await inbox.item('item 1').waitFor();
    await inbox.page.context().setOffline(true);
    await inbox.panel.getByText('No connection').waitFor();
    await app.send(2);
    await inbox.button('Mark all as read').click();
    await inbox.page.context().setOffline(false);
    await inbox.badge.filter({ hasText: /^1$/ }).waitFor();
    await inbox.item('item 2').waitFor();
    const { items } = await app.inbox.list('ann');
    await until(async () => (await app.inbox.counts('ann')).unread === 1);
    expect(items.map(({ notification: { id } }) => id)).toEqual(['i2', 'i1']);
    expect((await app.inbox.list('ann', { status: 'unread' })).items.map((item) => item.notification.id)).toEqual([
      'i2',
    ]);
    browser.expectComplaints(FAILED);
  });

  it('marks all items of the shown types only', async () => {
    const app = await serveInbox({ body: '<notification-inbox url="/inbox" types="comment"></notification-inbox>' });
    await app.send(1);
    await app.inbox.send('ann', { id: 'like', type: 'like' });
    const inbox = await InboxPage.open(browser, app);
    await inbox.openPanel();
    await inbox.item('item 1').waitFor();
    await inbox.button('Mark all as read').click();
    await inbox.badge.filter({ hasText: /^1$/ }).waitFor();
    await until(async () => (await app.inbox.counts('ann')).unseen === 1);
    expect((await app.inbox.counts('ann')).types).toEqual({ like: 1 });
    expect(await inbox.button('Mark all as read').getAttribute('aria-disabled')).toBe('true');
    await inbox.button('Archived').click();
    await inbox.panel.getByText('Nothing archived').waitFor();
    expect(await inbox.button('Mark all as read').count()).toBe(0);
  });

  it('marks items of the shown types that are older than all counted items', async () => {
    const body = '<notification-inbox url="/inbox" types="comment"></notification-inbox>';
    const app = await serveInbox({ body, options: { counts: { cap: 1 } } });
    await app.send(1);
    for (const id of ['like1', 'like2']) await app.inbox.send('ann', { id, type: 'like' });
    const inbox = await InboxPage.open(browser, app);
    await inbox.openPanel();
    await inbox.item('item 1').waitFor();
    await inbox.button('Mark all as read').click();
    const isRead = async () => (await app.inbox.list('ann')).items.at(-1)?.read === true;
    await until(isRead);
  });

  it('filters unread items, archives with undo, and removes from the archive', async () => {
    const app = await serveInbox();
    await app.send(1, 3);
    const inbox = await InboxPage.open(browser, app);
    await inbox.openPanel();
    await inbox
      .item('item 3')
      .getByRole('button', { name: /^Mark as read/ })
      .click();
    await inbox.button('Unread').click();
    await inbox.item('item 3').waitFor({ state: 'detached' });
    expect(await inbox.element.getAttribute('status')).toBe('unread');
    expect(await inbox.titles()).toEqual(['item 2', 'item 1']);

    await inbox
      .item('item 2')
      .getByRole('button', { name: /^Archive/ })
      .click();
    await inbox.item('item 2').waitFor({ state: 'detached' });
    await inbox.button('Undo').click();
    await inbox.item('item 2').waitFor();
    await inbox
      .item('item 1')
      .getByRole('button', { name: /^Archive/ })
      .click();
    await inbox.button('Archived').click();
    await inbox.item('item 1').waitFor();
    expect(await inbox.titles()).toEqual(['item 1']);
    await inbox
      .item('item 1')
      .getByRole('button', { name: /^Delete permanently/ })
      .click();
    await inbox.panel.getByText('Nothing archived').waitFor();
    await until(async () => (await app.inbox.counts('ann')).total === 2);
  });

  it('can be used with the keyboard alone, and keeps the focus during updates', async () => {
    const app = await serveInbox();
    await app.send(1, 3);
    const inbox = await InboxPage.open(browser, app);
    const { keyboard } = inbox.page;
    const focused = async (text: string) => until(async () => (await inbox.focused()).includes(text));
    await inbox.bell.focus();
    await keyboard.press('ArrowDown');
    await focused('item 3');
    expect(await inbox.bell.getAttribute('aria-expanded')).toBe('true');
    for (const [key, text] of [
      ['ArrowDown', 'item 2'],
      ['ArrowUp', 'item 3'],
      ['End', 'item 1'],
      ['ArrowDown', 'item 1'],
      ['Home', 'item 3'],
      ['ArrowDown', 'item 2'],
      ['ArrowRight', 'Mark as read: item 2'],
      ['ArrowRight', 'Archive: item 2'],
      ['ArrowLeft', 'Mark as read: item 2'],
      ['Enter', 'Mark as unread: item 2'],
      ['ArrowLeft', 'item 2'],
    ] as const) {
      await keyboard.press(key);
      await focused(text);
    }
    await app.send(4);
    await inbox.item('item 4').waitFor();
    await focused('item 2');
    // A removed item gives its focus to the next one, and the last one to the panel.
    await keyboard.press('Delete');
    await focused('item 1');
    await keyboard.press('Delete');
    await focused('item 3');
    // One stop for the list, with the buttons of its current item.
    await keyboard.press('Shift+Tab');
    await focused('Undo');
    await keyboard.press('Tab');
    await focused('item 3');
    for (const text of ['Mark as read: item 3', 'Archive: item 3']) {
      await keyboard.press('Tab');
      await focused(text);
    }
    await keyboard.press('Escape');
    await inbox.panel.waitFor({ state: 'hidden' });
    await focused('Notifications, ');
    await keyboard.press('Enter');
    await focused('item 3');
    for (let n = 0; n < 3; n++) await keyboard.press('Tab');
    await focused('after');
    await inbox.panel.waitFor({ state: 'hidden' });
  });

  it('loads older items when the end is scrolled into view, or with a button', async () => {
    const app = await serveInbox({ body: '<notification-inbox url="/inbox" limit="10"></notification-inbox>' });
    await app.send(1, 35);
    const inbox = await InboxPage.open(browser, app, { height: 400 });
    await inbox.openPanel();
    // The keys work when a row has the focus.
    await until(async () => (await inbox.focused()).includes('item 35'));
    const { keyboard } = inbox.page;
    for (const count of [20, 30, 35]) {
      await keyboard.press('End');
      await inbox.items.nth(count - 1).waitFor();
    }
    await inbox.button('Show older').waitFor({ state: 'hidden' });
    expect((await inbox.titles()).at(-1)).toBe('item 1');
  });

  it('shows data as text, follows only safe links, and keeps its layout', async () => {
    const app = await serveInbox();
    const long = 'x'.repeat(10_000);
    const items = [
      { title: '<img src=x onerror="window.hacked=1">', url: 'javascript:window.hacked=1' },
      { title: long, body: `${long} ${long}`, url: `/${long}` },
      { title: '\u202egnihtemos\u202e', body: '\u202e\u2066'.repeat(500), url: 'data:text/html,<script>1</script>' },
      { title: { toString: 'no' }, body: 7, url: ['javascript:1'] },
      null,
      { title: 'safe', url: '/page?x=1' },
    ];
    for (const [n, data] of items.entries()) await app.inbox.send('ann', { id: `i${n}`, type: 'type.x', data });
    const inbox = await InboxPage.open(browser, app, { width: 360 });
    await inbox.openPanel();
    await inbox.item('safe').waitFor();
    expect(await inbox.panel.getByRole('link').count()).toBe(1);
    expect(await inbox.panel.getByRole('link').getAttribute('href')).toBe(`${app.url}/page?x=1`);
    expect(await inbox.titles()).toEqual(
      expect.arrayContaining(['safe', 'type.x', '<img src=x onerror="window.hacked=1">', `${'x'.repeat(300)}…`]),
    );
    for (const item of await inbox.items.all())
      if ((await item.getByRole('link').count()) === 0) await item.locator('.main').click();
    expect(await inbox.page.evaluate('window.hacked')).toBeUndefined();
    expect(new URL(inbox.page.url()).pathname).toBe('/');
    if (!(await inbox.panel.isVisible())) await inbox.openPanel();
    const sizes = await inbox.panel.evaluate((panel) => {
      const { left, right } = panel.getBoundingClientRect();
      const tallest = Math.max(...[...panel.querySelectorAll('li')].map((li) => li.getBoundingClientRect().height));
      return { left, right, overflow: panel.scrollWidth - panel.clientWidth, tallest };
    });
    expect(sizes).toMatchObject({ left: 8, overflow: 0 });
    expect(sizes.right).toBeLessThanOrEqual(352);
    expect(sizes.tallest).toBeLessThan(220);
  });

  it('marks a chosen item as read, and opens its URL unless the event is canceled', async () => {
    const script = `addEventListener('item-click', (event) => {
      window.clicked = event.detail.item.notification.id + ' ' + event.detail.url;
      if (location.search !== '?go') event.preventDefault();
    });`;
    const app = await serveInbox({ script });
    for (const n of [1, 2]) {
      await app.inbox.send('ann', { id: `i${n}`, type: 't', data: { title: `item ${n}`, url: `/item/${n}` } });
    }
    const inbox = await InboxPage.open(browser, app);
    await inbox.openPanel();
    await inbox.panel.getByRole('link', { name: 'item 1' }).click();
    expect(await inbox.page.evaluate('window.clicked')).toBe(`i1 ${app.url}/item/1`);
    await inbox.panel.waitFor({ state: 'hidden' });
    await until(async () => (await app.inbox.counts('ann')).unread === 1);
    expect(new URL(inbox.page.url()).pathname).toBe('/');
    await inbox.page.goto(`${app.url}/?go`);
    await inbox.badge.filter({ hasText: '1' }).waitFor();
    await inbox.openPanel();
    await inbox.panel.getByRole('link', { name: 'item 2' }).click();
    await inbox.page.waitForURL('**/item/2');
    await until(async () => (await app.inbox.counts('ann')).unread === 0);
  });

  it('announces new items politely, once for all that arrive together', async () => {
    const app = await serveInbox();
    await app.send(1);
    const inbox = await InboxPage.open(browser, app);
    const live = inbox.element.locator('> .hidden[role=status], .hidden[role=status]');
    expect(await live.textContent()).toBe('');
    await app.send(2);
    await live.filter({ hasText: 'New notification: item 2' }).waitFor({ state: 'attached' });
    await app.send(3, 5);
    await live.filter({ hasText: '3 new notifications' }).waitFor({ state: 'attached' });
  });

  it.each([
    ['light', { colorScheme: 'light', width: 1024 }, 'lang="en"'],
    ['dark, at the width of a phone, from right to left', { colorScheme: 'dark', width: 360 }, 'lang="en" dir="rtl"'],
  ] as const)('has no violation of axe: %s', async (_, look, html) => {
    const app = await serveInbox({ html, body: '<notification-inbox url="/inbox" theme="auto"></notification-inbox>' });
    const inbox = await InboxPage.open(browser, app, look);
    await inbox.openPanel();
    await inbox.panel.getByText('No notifications yet').waitFor();
    expect(await violationsOn(inbox.page)).toEqual([]);
    await app.send(1, 3);
    await app.inbox.send('ann', { id: 'i4', type: 't', data: { title: 'item 4', body: 'A body', url: '/4' } });
    await inbox
      .item('item 4')
      .getByRole('button', { name: /^Mark as read/ })
      .click();
    await inbox
      .item('item 3')
      .getByRole('button', { name: /^Archive/ })
      .click();
    await inbox.panel.getByText('Archived.').waitFor();
    expect(await violationsOn(inbox.page)).toEqual([]);
    const box = (await inbox.panel.boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(8);
    expect(box.x + box.width).toBeLessThanOrEqual(look.width - 8);
  });

  it('has no animation if the user prefers reduced motion', async () => {
    const app = await serveInbox();
    const moves = async (reducedMotion: 'reduce' | 'no-preference') => {
      const inbox = await InboxPage.open(browser, app, { reducedMotion });
      await inbox.page.evaluate(`window.moved = 0;
        for (const type of ['animationstart', 'transitionrun'])
          document.querySelector('notification-inbox').shadowRoot.addEventListener(type, () => moved++, true);`);
      await inbox.openPanel();
      await inbox.page.evaluate(
        'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
      );
      return inbox.page.evaluate('moved');
    };
    expect(await moves('reduce')).toBe(0);
    expect(await moves('no-preference')).toBeGreaterThan(0);
  });
});
