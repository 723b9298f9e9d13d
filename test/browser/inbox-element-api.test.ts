import { expect, it } from '@jest/globals';
import { NotificationsModule } from 'nest-notifications';
import { InboxService } from 'nest-notifications/inbox';
import { AppModule as ExampleModule } from '../../examples/inbox-page.js';
import { express } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { until } from '../support/time/until.js';
import { inChromium } from './in-chromium.js';
import { InboxPage, serveInbox } from './inbox-page.js';

const FAILED = /net::ERR_|the server responded with a status of 40[03]/;

inChromium('notification-inbox in the hands of a page', (browser) => {
  it('works under a policy without inline styles and with Trusted Types', async () => {
    const inbox = await InboxPage.open(browser, await serveInbox());
    await expect(inbox.page.evaluate(`document.body.innerHTML = '<p>'`)).rejects.toThrow('TrustedHTML');
    await inbox.openPanel();
    expect(await inbox.panel.evaluate((panel) => getComputedStyle(panel).position)).toBe('fixed');
    browser.expectComplaints(/TrustedHTML/);
  });

  it('closes its connection when it leaves the document, keeps it when it moves, and opens it again', async () => {
    const script = `window.timers = new Set();
      const { setInterval, clearInterval } = window;
      window.setInterval = (...args) => { const id = setInterval(...args); timers.add(id); return id; };
      window.clearInterval = (id) => { timers.delete(id); clearInterval(id); };`;
    const app = await serveInbox({ script });
    const inbox = await InboxPage.open(browser, app);
    await until(() => app.waiters() === 1);
    await inbox.openPanel();
    await until(async () => (await inbox.page.evaluate('timers.size')) === 1);
    await inbox.page.evaluate(`window.bell = document.querySelector('notification-inbox');
      window.before = bell.inbox; document.body.append(bell);`);
    expect(await inbox.page.evaluate('new Promise(requestAnimationFrame).then(() => bell.inbox === before)')).toBe(
      true,
    );
    await inbox.page.evaluate('bell.remove()');
    await until(() => app.waiters() === 0);
    expect(await inbox.page.evaluate('[before.status, bell.inbox]')).toEqual(['closed', undefined]);
    expect(await inbox.page.evaluate('timers.size')).toBe(0);
    await inbox.page.evaluate('document.body.append(bell)');
    await until(() => app.waiters() === 1);
    await app.send(1);
    await inbox.badge.filter({ hasText: '1' }).waitFor();
  });

  it('takes properties that were set before it was defined, and mirrors attributes', async () => {
    const script = `const bell = document.createElement('notification-inbox');`;
    const app = await serveInbox({ body: '', script });
    await app.send(1);
    const { page } = await InboxPage.openAny(browser, app);
    await page.evaluate(`window.late = document.createElement('late-inbox');
      Object.assign(late, { url: '/inbox', limit: 5, badge: 'unseen', labels: { title: 'Posts' } });
      document.querySelector('main').append(late);
      import('/inbox/client/inbox-element.js').then(({ defineInboxElement }) => {
        defineInboxElement('late-inbox');
        defineInboxElement('late-inbox');
      })`);
    await page.locator('late-inbox [part=badge]', { hasText: '1' }).waitFor();
    expect(await page.evaluate('late.outerHTML')).toBe(
      '<late-inbox url="/inbox" limit="5" badge="unseen"></late-inbox>',
    );
    await page
      .getByRole('button', { name: 'Posts' })
      .or(page.getByRole('button', { name: /unread/ }))
      .click();
    await page.getByRole('dialog', { name: 'Posts' }).waitFor();
    await page.locator('late-inbox [part=badge]').waitFor({ state: 'hidden' });
    expect(await page.evaluate('[late.status, late.types, late.credentials, late.theme]')).toEqual([
      'inbox',
      '',
      'same-origin',
      '',
    ]);
  });

  it('shows an inbox of the page, and does not close it', async () => {
    const app = await serveInbox();
    await app.send(1);
    const inbox = await InboxPage.open(browser, app);
    await inbox.page.evaluate(`window.bell = document.querySelector('notification-inbox');
      window.own = bell.inbox; window.other = document.createElement('notification-inbox');
      other.inbox = own; bell.after(other);`);
    await inbox.badge.nth(1).filter({ hasText: '1' }).waitFor();
    await inbox.page.evaluate('other.remove()');
    await app.send(2);
    await inbox.badge.filter({ hasText: '2' }).waitFor();
    expect(await inbox.page.evaluate('own.status')).toBe('live');
  });

  it('reports counts, and has replaceable texts, times in the language of the page, and its own content', async () => {
    const script = `const bell = document.querySelector('notification-inbox');
      window.counts = [];
      bell.addEventListener('counts-change', ({ detail }) => counts.push(detail.unread));
      bell.labels = { title: 'Mitteilungen', bell: (count) => 'Mitteilungen, ' + count + ' ungelesen' };
      bell.itemRenderer = ({ notification }) => {
        if (notification.type === 'broken') throw new Error('broken renderer');
        return notification.type === 'node' ? document.createElement('hr') : notification.type === 'text' ? '<b>text</b>' : undefined;
      };`;
    const app = await serveInbox({ script, html: 'lang="de"' });
    for (const type of ['node', 'text', 'default', 'broken']) await app.inbox.send('ann', { id: type, type, data: {} });
    const inbox = await InboxPage.openAny(browser, app);
    await inbox.page.getByRole('button', { name: 'Mitteilungen, 4 ungelesen' }).click();
    const panel = inbox.page.getByRole('dialog', { name: 'Mitteilungen' });
    await panel.getByText('jetzt').first().waitFor();
    expect(await panel.locator('.content').allInnerTexts()).toEqual(['broken', 'default', '<b>text</b>', '']);
    expect(await panel.locator('hr').count()).toBe(1);
    expect(await inbox.page.evaluate('counts.at(-1)')).toBe(4);
    browser.expectComplaints(/broken renderer/);
  });

  it('is a working bell with two lines of HTML', async () => {
    const app = await startApp(express, {
      imports: [NotificationsModule.forRoot({ access: 'public' }), ExampleModule],
      configure: (nest) => {
        nest.use((request: object, _: unknown, next: () => void) => {
          Object.assign(request, { user: { id: 'ann' } });
          next();
        });
      },
    });
    await app.nest.get(InboxService, { strict: false }).send('ann', { type: 'hello' });
    const page = await browser.page();
    await page.goto(`http://127.0.0.1:${app.port}`);
    await page.getByRole('button', { name: 'Notifications, 1 unread' }).click();
    await page.getByRole('dialog').getByText('hello').waitFor();
    browser.expectComplaints(/favicon|status of 404/);
  });

  it('shows an error, and tries again', async () => {
    const app = await serveInbox();
    const page = await browser.page();
    const body = JSON.stringify({ statusCode: 403, message: 'Not yours.', code: 'forbidden' });
    await page.route('**/inbox?**', (route) => route.fulfill({ status: 403, contentType: 'application/json', body }));
    const inbox = await InboxPage.openAny(browser, app);
    await inbox.openPanel();
    await inbox.panel.getByText('The notifications could not be loaded.').waitFor();
    await page.unrouteAll();
    await app.send(1);
    await inbox.button('Try again').click();
    await inbox.item('item 1').waitFor();
    await inbox.panel.getByText('could not be loaded').waitFor({ state: 'hidden' });
    browser.expectComplaints(FAILED);
  });

  it('does not repeat an operation in a loop if the server rejects it', async () => {
    const app = await serveInbox();
    const inbox = await InboxPage.open(browser, app);
    let operations = 0;
    const body = JSON.stringify({ statusCode: 409, message: 'Full.', code: 'inbox_full' });
    await inbox.page.route('**/inbox', (route) => {
      operations++;
      return route.fulfill({ status: 409, contentType: 'application/json', body });
    });
    await inbox.openPanel();
    for (const n of [1, 2, 3]) {
      await app.send(n);
      await inbox.item(`item ${n}`).waitFor();
    }
    await inbox.bell.click();
    await inbox.panel.waitFor({ state: 'hidden' });
    await inbox.openPanel();
    await inbox.item('item 3').waitFor();
    expect(operations).toBeGreaterThan(0);
    expect(operations).toBeLessThanOrEqual(3);
    browser.expectComplaints(/status of 409/);
  });

  it('shows that a change was rejected, and takes it back', async () => {
    const app = await serveInbox();
    await app.send(1);
    const inbox = await InboxPage.open(browser, app);
    await inbox.openPanel();
    await until(async () => (await app.inbox.counts('ann')).unseen === 0);
    const body = JSON.stringify({ statusCode: 409, message: 'Full.', code: 'inbox_full' });
    await inbox.page.route('**/inbox', (route) =>
      route.fulfill({ status: 409, contentType: 'application/json', body }),
    );
    await inbox
      .item('item 1')
      .getByRole('button', { name: /^Archive/ })
      .click();
    await inbox.panel.getByText('The change could not be saved.').waitFor();
    await inbox.item('item 1').waitFor();
    expect(await inbox.panel.getByText('could not be loaded').isVisible()).toBe(false);
    browser.expectComplaints(/status of 409/);
  });
});
