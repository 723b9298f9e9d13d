import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { violationsOn } from './axe.js';
import { DemoPage, READERS } from './demo-page.js';
import { inChromium } from './in-chromium.js';
import { bundledMain, MainProcess } from './main-process.js';
import { inDepth } from '../support/depth.js';

inChromium('for everybody, the demo page', (browser) => {
  let main: MainProcess;
  let url: string;

  beforeAll(async () => {
    main = new MainProcess(bundledMain(), { SOURCE_SECONDS: '1', RETRY_SECONDS: '0.25' });
    url = await main.url();
  });

  afterAll(async () => {
    await main.stop();
  });

  // Contrast depends on the scheme, and overlaps depend on the width. Each value of both occurs
  // once.
  const looks = [
    { colorScheme: 'light', width: 1280 },
    { colorScheme: 'dark', width: 360 },
  ] as const;

  describe.each(looks)('in $colorScheme mode at $width pixels, axe finds no violation', (look) => {
    const everydayIn = (scheme: string) => inDepth(look.colorScheme === scheme ? it : it.skip, it);

    it('with samples, an unread item, and the bell open with an expanded item', async () => {
      const demo = await DemoPage.open(browser, url, look);
      await demo.numbers(1, 3);
      await demo.shows('Bell', [1, 2, 3]);
      for (const name of READERS) await demo.reach(name, 4);
      expect(await violationsOn(demo.page)).toEqual([]);
      await demo.bell.click();
      await demo.bellPanel.getByRole('button', { name: 'number 2' }).click();
      await demo.bellPanel.locator('pre').waitFor();
      expect(await violationsOn(demo.page)).toEqual([]);
    });

    everydayIn('dark')('with cables pulled, and then caught up on, and with mistakes in the forms', async () => {
      const demo = await DemoPage.open(browser, url, { ...look, topics: 'demo' });
      await demo.cable('Bell').click();
      await demo.cable('Long poll').click();
      await demo.publish(3, 'Hello');
      await demo.verdict('behind');
      await demo.page.getByLabel('Data (JSON)').fill('{');
      await demo.page.getByRole('button', { name: 'Publish' }).click();
      await demo.page.getByText(/^Data is not JSON: /).waitFor();
      await demo.follow('a b');
      await demo.page.getByText('“a b”: letters, digits').waitFor();
      expect(await violationsOn(demo.page)).toEqual([]);
      await demo.cable('Bell').click();
      await demo.cable('Long poll').click();
      await demo.verdict('same');
      expect(await violationsOn(demo.page)).toEqual([]);
    });

    everydayIn('light')('with nothing yet, and offline', async () => {
      const demo = await DemoPage.open(browser, url, { ...look, topics: 'demo' });
      await demo.page.context().setOffline(true);
      await demo.lane('Bell').getByText('offline').waitFor();
      expect(await violationsOn(demo.page)).toEqual([]);
      await demo.bell.click();
      await demo.bellPanel.getByText('All quiet').waitFor();
      expect(await violationsOn(demo.page)).toEqual([]);
      browser.expectComplaints(/net::ERR_/);
    });
  });

  it('has no animation if the user prefers reduced motion', async () => {
    const moves = async (reducedMotion: 'reduce' | 'no-preference') => {
      const demo = await DemoPage.open(browser, url, { reducedMotion, topics: 'demo' });
      // Animations and transitions, from before the first of them could begin.
      await demo.page.evaluate(`globalThis.moved = 0;
        for (const type of ['animationstart', 'transitionrun']) addEventListener(type, () => moved++, true);
        const animate = Element.prototype.animate;
        Element.prototype.animate = function (...how) { moved++; return animate.apply(this, how); };`);
      await demo.numbers(1, 2);
      for (const name of READERS) await demo.shows(name, [1, 2]);
      await demo.cable('Bell').click();
      await demo.lane('Bell').getByText('the cable is pulled').waitFor();
      await demo.bell.click();
      await demo.page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
      return demo.page.evaluate('moved');
    };
    expect(await moves('reduce')).toBe(0);
    expect(await moves('no-preference')).toBeGreaterThan(4);
  });
});
