import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { CHROMIUM_ARGS, chromiumPath } from './chromium.js';
import { type Built, built, MainProcess } from './main-process.js';

const COLUMNS = ['Long poll', 'EventSource'] as const;
type ColumnName = (typeof COLUMNS)[number];

if (!chromiumPath && process.env.CI !== 'true') {
  console.warn('Skipped: the demo page in a browser, since there is no Chromium. CHROMIUM_PATH can name one.');
  describe.skip('the demo page', () => {
    it('works in Chromium', () => undefined);
  });
} else describe('the demo page', () => inChromium(chromiumPath ?? 'chromium'));

function inChromium(executablePath: string): void {
  let program: Built;
  let browser: Browser;
  let main: MainProcess;
  let url: string;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    program = built();
    browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGS });
  });

  beforeEach(async () => {
    await serve({ SOURCE_SECONDS: '0.5', RETRY_SECONDS: '0.5' });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    complaints = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
  });

  afterEach(async () => {
    await page.close();
    await main.stop();
  });

  afterAll(async () => {
    await browser.close();
    program.remove();
  });

  async function serve(env: Record<string, string>): Promise<void> {
    main = new MainProcess(program.main, env);
    url = await main.url();
  }

  const column = (name: ColumnName): Locator => page.getByRole('region', { name });
  const cable = (name: ColumnName): Locator => column(name).getByRole('button', { name: /cable/ });
  const verdict = (kind: string): Locator => page.locator(`#verdict[data-kind=${kind}]`);
  const inState = (name: ColumnName, state: string): Promise<void> =>
    column(name).locator('.state', { hasText: state }).waitFor();

  async function received(name: ColumnName): Promise<number> {
    return Number(await column(name).locator('[data-part=received]').textContent());
  }

  /** Waits until a column has at least so many notifications. */
  async function reach(name: ColumnName, count: number): Promise<void> {
    // Every number from there on: the counter may have passed this one by the time it is looked at.
    const deadline = AbortSignal.timeout(15_000);
    for (let last = await received(name); last < count;) {
      deadline.throwIfAborted();
      await column(name)
        .locator('[data-part=received]', { hasNotText: new RegExp(`^${last}$`) })
        .waitFor();
      last = await received(name);
    }
  }

  async function publish(count: number, text: string): Promise<void> {
    await page.getByLabel('How many').fill(String(count));
    await page.getByLabel('Data (JSON)').fill(JSON.stringify({ text }));
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.locator('#publish-result[data-kind=good]').waitFor();
  }

  it('shows samples of the process in both columns, by both transports', async () => {
    for (const name of COLUMNS) {
      await reach(name, 3);
      await column(name).getByText('process.sample').first().waitFor();
      await column(name).getByText('loadAverage').first().waitFor();
    }
    await inState('Long poll', 'holding');
    await inState('EventSource', 'live');
    await page.getByText(/Both columns have seen the same \d+ notifications, in the same order/).waitFor();
    expect(complaints).toEqual([]);
  });

  it('publishes, and what is published arrives in both columns', async () => {
    await publish(1, '<img src=x onerror=alert(1)>');
    expect(await page.getByRole('status').filter({ hasText: '201 in ' }).textContent()).toMatch(/ · id \S+ · cursor /);
    for (const name of COLUMNS) await column(name).getByText('<img src=x onerror=alert(1)>').waitFor();
    expect(complaints).toEqual([]);
  });

  it('says what is wrong with what is to be published, without asking the server', async () => {
    const data = page.getByLabel('Data (JSON)');
    await data.fill('{ "text": ');
    await page.getByLabel('How many').fill('0');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText(/^Data is not JSON: /).waitFor();
    await page.getByText('How many: a whole number from 1 to 100').waitFor();
    expect(await data.getAttribute('aria-invalid')).toBe('true');
    await data.fill('{}');
    await page.getByText(/^Data is not JSON: /).waitFor({ state: 'hidden' });
    expect(complaints).toEqual([]);
  });

  it('follows other topics', async () => {
    await page.getByLabel('Topics').fill('other, ');
    await page.getByRole('button', { name: 'Follow' }).click();
    await inState('EventSource', 'live');
    await publish(1, 'not for them');
    await page.getByLabel('Topic', { exact: true }).fill('other');
    await publish(2, 'for them');
    for (const name of COLUMNS) {
      await reach(name, 2);
      expect(await column(name).getByRole('listitem').allTextContents()).toEqual([
        expect.stringContaining('for them'),
        expect.stringContaining('for them'),
      ]);
    }
    await page.getByLabel('Topics').fill('a b');
    await page.getByRole('button', { name: 'Follow' }).click();
    await page.getByText('“a b”: letters, digits').waitFor();
    expect(complaints).toEqual([]);
  });

  it.each(COLUMNS)('%s misses nothing while its cable is pulled', async (name) => {
    const other = COLUMNS.find((one) => one !== name)!;
    await reach(name, 1);
    await cable(name).click();
    await inState(name, 'offline');
    const before = await received(name);
    await publish(20, 'meanwhile');
    await reach(other, before + 20);
    await verdict('behind').waitFor();
    expect(await page.locator('#verdict-answer').textContent()).toMatch(new RegExp(`^${name} is \\d+ behind$`));
    expect(await received(name)).toBe(before);

    await cable(name).click();
    await reach(name, before + 20);
    await verdict('same').waitFor();
    expect(await column(name).getByRole('listitem').filter({ hasText: 'meanwhile' }).count()).toBe(20);
    expect(await column(name).locator('[data-part=gaps]').textContent()).toBe('0');
    expect(complaints).toEqual([]);
  });

  it('recovers when the server is restarted, and says that there is a gap', async () => {
    for (const name of COLUMNS) await reach(name, 2);
    const { port } = new URL(url);
    expect(await main.stop()).toBe(0);
    for (const name of COLUMNS) await inState(name, 'waiting to reconnect');
    await serve({ SOURCE_SECONDS: '0.5', RETRY_SECONDS: '0.5', PORT: port });
    for (const name of COLUMNS) {
      await column(name).getByText('gap: reset').waitFor();
      expect(await column(name).locator('[data-part=gaps]').textContent()).toBe('1');
      await reach(name, (await received(name)) + 2);
    }
    await inState('Long poll', 'holding');
    await inState('EventSource', 'live');
    await verdict('same').waitFor();
    // The browser itself reports the requests that found no server.
    expect(complaints.filter((text) => !text.includes('net::ERR_'))).toEqual([]);
  });

  it('goes on where it was when it is come back to from history', async () => {
    for (const name of COLUMNS) await reach(name, 1);
    await page.goto('about:blank');
    await page.goBack();
    for (const name of COLUMNS) await reach(name, 1);
    await verdict('same').waitFor();
    expect(complaints).toEqual([]);
  });

  it.each([
    ['small phone', 320],
    ['phone', 390],
    ['tablet', 800],
    ['desktop', 1280],
  ])('needs no scrolling sideways on a %s', async (_, width) => {
    await page.setViewportSize({ width, height: 800 });
    await publish(1, 'x'.repeat(500));
    for (const name of COLUMNS) await column(name).getByText('xxxx').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  it('can be used with the keyboard alone', async () => {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the notifications');
    await page.getByLabel('Data (JSON)').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('#publish-result[data-kind=good]').waitFor();
    await cable('Long poll').focus();
    await page.keyboard.press('Space');
    await inState('Long poll', 'offline');
    expect(await cable('Long poll').textContent()).toBe('Put the cable back of Long poll');
  });
}
