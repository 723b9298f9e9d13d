import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isPrepared } from '../../examples/shop/scripts/prepare.mjs';
import { violationsOn } from '../browser/axe.js';
import { inChromium } from '../browser/in-chromium.js';
import { inDepth } from '../support/depth.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { ShopPage } from './shop-page.js';
import { ShopServer } from './shop-server.js';

/** Why the shop cannot run. `.ci/run` prepares it; by hand: node examples/shop/scripts/build.mjs */
function shopMissing(): string | undefined {
  if (isPrepared()) return undefined;
  const reason = 'examples/shop is not built with this library (node examples/shop/scripts/build.mjs)';
  if (process.env.CI === 'true') throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return reason;
}

const missing = shopMissing();
/** An everyday run has one engine and only the deliveries. */
const isThorough = process.env.CI === 'true' || inDepth(false, true);
/** Patience for a busy machine: a test has up to four pages, and a restart. */
const TEST_MS_MAX = 120_000;

/** Each engine with the environment of the shop, and a function that stops it. */
const engines = [
  { engine: 'SQLite', isThere: missing === undefined, open: async () => ({ env: {}, close: async () => undefined }) },
  {
    engine: 'PostgreSQL',
    isThere: missing === undefined && isThorough && postgresMissing() === undefined,
    open: openPostgres,
  },
];

async function openPostgres() {
  const postgres = await PostgresEngine.start();
  return { env: { DATABASE_URL: postgres.url }, close: () => postgres.stop() };
}

describe.each(engines)('on $engine', ({ engine, isThere, open }) => {
  if (!isThere) {
    test.skip('the shop', () => undefined);
    return;
  }
  inChromium('the shop', (browser) => {
    let database: Awaited<ReturnType<typeof open>>;
    let server: ShopServer;

    beforeAll(async () => {
      database = await open();
      server = await ShopServer.start(database.env);
    });

    afterAll(async () => {
      await server.remove();
      await database.close();
    });

    const signIn = async (user: string) => ShopPage.signIn(await browser.newContext(), server.url, user);

    test(
      'delivers an order and its shipment to the tabs and devices of its customer only',
      async () => {
        const [ann, phone, ben, kim] = await Promise.all(['Ann', 'Ann', 'Ben', 'Kim'].map(signIn));
        const tab = await ShopPage.open(ann!.page.context(), server.url);
        await tab.isLive();
        await ann!.order('Enamel kettle');
        await kim!.hasOrder('Order 1 of Ann', 'Placed');
        await kim!.ship(1, 'UPS');
        await kim!.hasOrder('Order 1 of Ann', 'Shipped with UPS');
        for (const page of [ann!, tab, phone!]) {
          await page.hasOrder('Order 1', 'Shipped with UPS');
          await page.unread(1);
          await page.hasStock('Enamel kettle', '11 in stock');
          expect(await page.items()).toEqual(['Order 1 was shipped with UPS']);
        }
        // The stock has arrived over the other feed, and nothing of the order with it.
        await ben!.hasStock('Enamel kettle', '11 in stock');
        await ben!.unread(0);
        // The other tab and the phone have the same state.
        await ann!.bell.click();
        await ann!.page.getByRole('button', { name: 'Mark all as read' }).click();
        await tab.unread(0);
        await phone!.unread(0);
        await kim!.unread(1);
        // All tabs of a browser have one session.
        await tab.page.getByRole('button', { name: 'Sign out' }).click();
        await ann!.page.getByText('Your session has ended.').waitFor();
      },
      TEST_MS_MAX,
    );

    test(
      'delivers after an offline time, a restart and a reload',
      async () => {
        const [ann, phone, kim] = await Promise.all(['Ann', 'Ann', 'Kim'].map(signIn));
        await ann!.page.context().setOffline(true);
        await ann!.page.getByText('Offline', { exact: true }).waitFor();
        await phone!.order('Stoneware mug');
        await kim!.hasOrder('Order 2 of Ann', 'Placed');
        await ann!.page.context().setOffline(false);
        await ann!.hasOrder('Order 2', 'Placed');
        await kim!.unread(2);

        expect(await server.stop()).toEqual({ code: 0, stderr: '' });
        await server.startAgain();
        await kim!.isLive();
        await kim!.page.reload();
        await kim!.unread(2);
        await kim!.ship(2, 'DHL');
        for (const page of [ann!, phone!]) {
          await page.hasOrder('Order 2', 'Shipped with DHL');
          await page.unread(1);
        }
        await ann!.page.reload();
        await ann!.unread(1);
        expect(await ann!.items()).toEqual(['Order 2 was shipped with DHL', 'Order 1 was shipped with UPS']);
        browser.expectComplaints(/net::ERR_/);
      },
      TEST_MS_MAX,
    );

    if (!isThorough || engine !== 'SQLite') return;

    test('axe finds no violation in light and dark mode, on a desktop and a phone', async () => {
      const [ann, kim] = await Promise.all(['Ann', 'Kim'].map(signIn));
      await ann!.addToBasket('Stoneware mug');
      for (const shop of [ann!, kim!]) {
        await shop.bell.click();
        await shop.page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
        expect(await violationsOn(shop.page)).toEqual([]);
        await shop.page.setViewportSize({ width: 390, height: 800 });
        await shop.page.emulateMedia({ colorScheme: 'dark' });
        expect(await violationsOn(shop.page)).toEqual([]);
        expect(await shop.page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      }
    });
  });
});
