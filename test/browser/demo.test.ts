import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { atTestEnd } from '../support/http/cleanup.js';
import { COLUMNS, DemoPage, READERS, span } from './demo-page.js';
import { inChromium } from './in-chromium.js';
import { type Built, built, MainProcess } from './main-process.js';
import { freePort } from '../support/free-port.js';

/** A mark of a notification in a lane. */
interface Cell {
  readonly dataset: { readonly own: string };
}

/** The browser's message about a request that finds no server. */
const NO_SERVER = /net::ERR_/;

/** Samples and reconnections that come soon. */
const FAST = { SOURCE_SECONDS: '0.25', RETRY_SECONDS: '0.25' };

/** Two programs start, one after the other: 8 s alone, 20 s beside two other suites. */
const RESTART_MS_MAX = 60_000;

inChromium('the demo page', (browser) => {
  let program: Built;
  let main: MainProcess;
  let url: string;

  const start = async (env: Record<string, string> = {}): Promise<string> => {
    main = new MainProcess(program.main, { ...FAST, ...env });
    return main.url();
  };

  beforeAll(async () => {
    program = built();
    url = await start();
  });

  afterAll(async () => {
    await main.stop();
    program.remove();
  });

  it('shows samples of the process in both columns, by both transports', async () => {
    const demo = await DemoPage.open(browser, url);
    for (const name of COLUMNS) {
      await demo.reach(name, 3);
      await demo.column(name).getByText('process.sample').first().waitFor();
      await demo.column(name).getByText('loadAverage').first().waitFor();
    }
    await demo.column('Long poll').locator('.pill', { hasText: 'holding' }).waitFor();
    await demo.column('Event stream').locator('.pill', { hasText: 'live' }).waitFor();
    await demo.answers(/^All three have the same \d+$/);
  });

  it('shows a published notification in all columns, as text', async () => {
    const demo = await DemoPage.open(browser, url);
    const text = '<img src=x onerror=alert(1)>';
    await demo.publish(1, text);
    expect(await demo.page.locator('#publish-result').textContent()).toMatch(/^201 in \d+ ms · id \S+ · cursor /);
    for (const name of COLUMNS) await demo.column(name).getByText(text).waitFor();
    await demo.bell.click();
    await demo.bellPanel.getByText(text).waitFor();
    for (const name of READERS) await demo.lane(name).locator('[data-own=true][data-mark=live]').waitFor();
  });

  it('shows errors of the form without a request', async () => {
    const { page } = await DemoPage.open(browser, url);
    const data = page.getByLabel('Data (JSON)');
    await data.fill('{ "text": ');
    await page.getByLabel('How many').fill('0');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText(/^Data is not JSON: /).waitFor();
    await page.getByText('How many: a whole number from 1 to 100').waitFor();
    expect(await data.getAttribute('aria-invalid')).toBe('true');
    await data.fill('{}');
    await page.getByText(/^Data is not JSON: /).waitFor({ state: 'hidden' });
  });

  it('follows other topics', async () => {
    const demo = await DemoPage.open(browser, url);
    await demo.follow('other, ');
    await demo.areLive();
    await demo.numbers(1, 1);
    await demo.numbers(2, 3, 'other');
    for (const name of READERS) await demo.shows(name, [2, 3]);
    await demo.page.getByLabel('Topics').fill('a b');
    await demo.page.getByRole('button', { name: 'Follow' }).click();
    await demo.page.getByText('“a b”: letters, digits').waitFor();
  });

  describe('with cables pulled', () => {
    it.each(READERS)(
      '%s receives missed notifications once and in order after its cable is connected again',
      async (name) => {
        const others = READERS.filter((one) => one !== name);
        const demo = await DemoPage.open(browser, url, { topics: 'demo' });
        await demo.numbers(1, 3);
        for (const one of READERS) await demo.shows(one, span(1, 3));
        await demo.cable(name).click();
        expect(await demo.cable(name).getAttribute('aria-checked')).toBe('false');
        await demo.lane(name).getByText('the cable is pulled').waitFor();
        await demo.numbers(4, 13);
        for (const other of others) await demo.shows(other, span(1, 13));
        await demo.answers(`${name} lacks 10`);
        expect(await demo.shown(name)).toEqual(span(1, 3));
        expect(await demo.lane(name).locator('.cells [data-mark=lacking]').count()).toBe(10);

        await demo.cable(name).click();
        await demo.shows(name, span(1, 13));
        await demo.verdict('same');
        await demo.page.getByText(`In order, none twice. ${name} caught up on 10.`).waitFor();
        expect(await demo.lane(name).locator('.cells [data-mark=later]').count()).toBe(10);
        expect(await demo.lane(name).locator('.cells [data-mark=live]').count()).toBe(3);
        await demo.numbers(14, 14);
        for (const one of READERS) await demo.shows(one, span(1, 14));
      },
    );

    it('marks own notifications as missing while all cables are pulled, and as delivered when they arrive', async () => {
      const demo = await DemoPage.open(browser, url, { topics: 'demo' });
      await demo.verdict('none');
      await demo.page.getByRole('button', { name: 'Pull all' }).click();
      for (const name of READERS) await demo.lane(name).getByText('the cable is pulled').waitFor();
      await demo.numbers(1, 2);
      await demo.publish(3, 'number 3');
      await demo.numbers(4, 5);
      await demo.verdict('behind');
      for (const name of READERS) {
        expect(await demo.lane(name).locator('.cells [data-own=true][data-mark=lacking]').count()).toBe(3);
        expect(await demo.received(name)).toBe(0);
      }
      await demo.page.getByRole('button', { name: 'Put all back' }).click();
      for (const name of READERS) await demo.shows(name, [1, 2, 3, 3, 3, 4, 5]);
      await demo.verdict('same');
      for (const name of READERS) {
        const cells = demo.lane(name).locator('.cells [data-mark]');
        const own = await cells.evaluateAll((all) => all.map((cell) => (cell as unknown as Cell).dataset.own));
        expect(own.join()).toBe('false,false,true,true,true,false,false');
      }
    });

    it('keeps the bell quiet while the network of the device is unstable', async () => {
      const demo = await DemoPage.open(browser, url);
      await demo.cable('Bell').click();
      await demo.page.context().setOffline(true);
      await demo.lane('Long poll').getByText('waiting to reconnect').waitFor();
      await demo.page.context().setOffline(false);
      await demo.lane('Long poll').getByText('holding').waitFor();
      await demo.reach('Long poll', (await demo.received('Bell')) + 3);
      await demo.lane('Bell').getByText('the cable is pulled').waitFor();
      await demo.answers(/^Bell lacks \d+$/);
      await demo.cable('Bell').click();
      await demo.verdict('same');
      browser.expectComplaints(NO_SERVER);
    });
  });

  it('closes the connections of its columns while it is hidden, and misses nothing', async () => {
    const demo = await DemoPage.open(browser, url, { topics: 'demo' });
    const turn = (visibility: 'hidden' | 'visible') =>
      demo.page
        .evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${visibility}', configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await turn('hidden');
    for (const name of COLUMNS) await demo.column(name).getByText('this tab is hidden').waitFor();
    await demo.numbers(1, 3);
    await demo.shows('Bell', span(1, 3));
    await turn('visible');
    for (const name of READERS) await demo.shows(name, span(1, 3));
    await demo.verdict('same');
  });

  describe('latency', () => {
    it('is the median of the notifications that arrived while connected, in the chart and as text', async () => {
      const demo = await DemoPage.open(browser, url, { topics: 'demo' });
      for (const name of COLUMNS) {
        expect(await demo.column(name).getByRole('img').getAttribute('aria-label')).toBe(
          'Latency: nothing measured yet',
        );
        expect(await demo.column(name).locator('[data-part=p50]').textContent()).toBe('–');
      }
      await demo.numbers(1, 5);
      for (const name of COLUMNS) {
        await demo.shows(name, span(1, 5));
        const column = demo.column(name);
        await column
          .getByRole('img', { name: /^Latency of the last 5: half of them \d+ ms or less, the longest \d+ ms$/ })
          .waitFor();
        expect(await column.locator('[data-part=p50]').textContent()).toMatch(/^\d+ ms$/);
        expect(await column.locator('.range').textContent()).toMatch(/^of the last 5 longest \d+ ms$/);
        const line = await column.locator('svg .line').getAttribute('d');
        expect(line!.match(/[ML][\d.]+ [\d.]+/g)).toHaveLength(5);
      }
      const scales = await demo.page.locator('[data-part=scale]').allTextContents();
      expect(scales[0]).toMatch(/^\d+ ms$/);
      expect(scales[1]).toBe(scales[0]);
    });

    it('excludes notifications that were late because of a pulled cable, and shows their number', async () => {
      const demo = await DemoPage.open(browser, url, { topics: 'demo' });
      await demo.numbers(1, 2);
      await demo.shows('Long poll', [1, 2]);
      await demo.cable('Long poll').click();
      await demo.numbers(3, 6);
      await demo.shows('Event stream', span(1, 6));
      await demo.cable('Long poll').click();
      await demo.shows('Long poll', span(1, 6));
      const column = demo.column('Long poll');
      await column.getByText('of the last 2').waitFor();
      expect(await column.locator('[data-part=caughtUp]').textContent()).toBe('4');
      expect((await column.locator('svg .later').getAttribute('d'))!.match(/M/g)).toHaveLength(4);
      expect(await column.getByText('caught up, +').count()).toBe(4);
    });
  });

  it(
    'recovers when the server is restarted, and says that there is a gap',
    async () => {
      const PORT = String(await freePort());
      const { url: own, main: first } = await startOwn({ PORT });
      const demo = await DemoPage.open(browser, own);
      for (const name of READERS) await demo.reach(name, 2);
      expect(await first.stop()).toBe(0);
      for (const name of COLUMNS)
        await demo.column(name).locator('.pill', { hasText: 'waiting to reconnect' }).waitFor();
      await demo.page.getByText('no answer from the server, it tries again').first().waitFor();
      // Without samples: a column shows the last 50 entries, and the gap must stay among them.
      await startOwn({ PORT, SOURCE_SECONDS: '0' });
      for (const name of COLUMNS) {
        await demo.column(name).getByText('gap: reset').waitFor();
        expect(await demo.column(name).locator('[data-part=gaps]').textContent()).toBe('1');
      }
      await demo.bell.click();
      await demo.bellPanel.getByText('Some notifications are lost.').waitFor();
      await demo.areLive();
      const received = await Promise.all(READERS.map((name) => demo.received(name)));
      await demo.numbers(1, 2);
      for (const [at, name] of READERS.entries()) await demo.reach(name, received[at]! + 2);
      await demo.verdict('same');
      browser.expectComplaints(NO_SERVER);
    },
    RESTART_MS_MAX,
  );

  /** A server that a test may stop. */
  async function startOwn(env: Record<string, string> = {}) {
    const own = new MainProcess(program.main, { ...FAST, ...env });
    atTestEnd(() => own.stop());
    return { url: await own.url(), main: own };
  }

  it('continues when the user returns by the browser history', async () => {
    const demo = await DemoPage.open(browser, url);
    for (const name of READERS) await demo.reach(name, 1);
    await demo.page.goto('about:blank');
    await demo.page.goBack();
    for (const name of READERS) await demo.reach(name, 1);
    await demo.verdict('same');
  });

  it('needs no horizontal scrolling on phones and desktops', async () => {
    const demo = await DemoPage.open(browser, url);
    await demo.publish(1, 'x'.repeat(500));
    for (const name of COLUMNS) await demo.column(name).getByText('xxxx').waitFor();
    const widths = () => demo.page.evaluate('[document.documentElement.scrollWidth, document.body.scrollWidth]');
    for (const width of [320, 360, 390, 800, 1280]) {
      await demo.page.setViewportSize({ width, height: 800 });
      expect(await widths()).toEqual([width, width]);
      await demo.bell.click();
      await demo.bellPanel.getByText('greeting · demo · just now').waitFor();
      const box = (await demo.bellPanel.boundingBox())!;
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
      expect(await widths()).toEqual([width, width]);
      await demo.bell.click();
      await demo.bellPanel.waitFor({ state: 'hidden' });
    }
  });

  it('can be used with the keyboard alone', async () => {
    const demo = await DemoPage.open(browser, url);
    const { keyboard } = demo.page;
    await keyboard.press('Tab');
    expect(await demo.page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await keyboard.press('Enter');
    await keyboard.press('Tab');
    expect(await demo.page.evaluate('document.activeElement.textContent')).toBe('inbox');
    await keyboard.press('Tab');
    expect(await demo.page.evaluate('document.activeElement.id')).toBe('publish-topic');
    await demo.page.getByLabel('How many').focus();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await demo.page.locator('#publish-result[data-kind=good]').waitFor();
    await keyboard.press('Tab');
    expect(await demo.page.evaluate('document.activeElement.textContent')).toBe('Pull all');
    await keyboard.press('Tab');
    await keyboard.press('Space');
    await demo.lane('Bell').getByText('the cable is pulled').waitFor();
    expect(await demo.cable('Bell').getAttribute('aria-checked')).toBe('false');
  });
});
