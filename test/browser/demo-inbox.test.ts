import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { violationsOn } from './axe.js';
import { inChromium } from './in-chromium.js';
import { bundledMain, MainProcess } from './main-process.js';

inChromium('the inbox page of the demo', (browser) => {
  let main: MainProcess;
  let url: string;

  beforeAll(async () => {
    main = new MainProcess(bundledMain(), { SOURCE_SECONDS: '0' });
    url = await main.url();
  });

  afterAll(async () => {
    await main.stop();
  });

  it('sends an item to all windows, and has no violation of axe', async () => {
    const page = await browser.page();
    const other = await (await browser.newContext()).newPage();
    await page.goto(url);
    await page.getByRole('link', { name: 'inbox' }).click();
    await other.goto(page.url());
    await page.getByLabel('Title').fill('Hello');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText(/^Sent at/).waitFor();
    await page.getByRole('button', { name: 'Notifications, 1 unread' }).click();
    await page.getByRole('dialog').getByText('Hello').waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await page.getByRole('button', { name: 'Mark all as read' }).click();
    await other.getByRole('button', { name: 'Notifications', exact: true }).waitFor();
  });

  it('rejects an item without a title', async () => {
    const send = (body: unknown) =>
      fetch(`${url}inbox-items`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    for (const body of [{}, { title: '' }, { title: 7 }, { title: 'x'.repeat(201) }, { title: 'a', text: 7 }, []]) {
      expect((await send(body)).status).toBe(400);
    }
  });
});
