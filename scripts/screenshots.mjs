/**
 * Takes the pictures in docs/: `npm run build && node scripts/screenshots.mjs`. The demo page and
 * its inbox come from the built server. The inspector comes from the sources, with the reports of
 * its tests, because real charts would need minutes. With an argument, the script takes only the
 * pictures whose names begin with this argument. CHROMIUM_PATH names the browser; default
 * /usr/bin/chromium. The pictures of the demo page and the inspector were taken with the fonts
 * Inter and JetBrains Mono.
 */
import './typescript-hooks.mjs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './tools.mjs';

const SHOTS = [
  { file: 'demo-light.png', colorScheme: 'light', viewport: { width: 1280, height: 900 }, arrange: publishSome },
  { file: 'demo-dark.png', colorScheme: 'dark', viewport: { width: 1280, height: 900 }, arrange: pullCables },
  { file: 'demo-phone.png', colorScheme: 'light', viewport: { width: 390, height: 780 }, arrange: openBell },
  { file: 'inbox-light.png', colorScheme: 'light', viewport: { width: 720, height: 620 }, arrange: openInbox },
  { file: 'inbox-dark.png', colorScheme: 'dark', viewport: { width: 720, height: 620 }, arrange: openInbox },
  { file: 'inbox-phone.png', colorScheme: 'light', viewport: { width: 360, height: 700 }, arrange: openInbox },
];

const INSPECTOR_SHOTS = [
  { file: 'inspector-light.png', colorScheme: 'light', viewport: { width: 1280, height: 884 }, arrange: isLive },
  { file: 'inspector-dark.png', colorScheme: 'dark', viewport: { width: 1280, height: 960 }, arrange: explainItem },
  { file: 'inspector-phone.png', colorScheme: 'light', viewport: { width: 360, height: 740 }, arrange: isLive },
];

const NEWS = [
  { type: 'payment.received', text: 'Payment received for order 1041' },
  { type: 'mention', text: 'Anna mentioned you in “Roadmap”' },
  { type: 'order.shipped', text: 'Order 1042 is on its way' },
];

const ITEMS = [
  { title: 'Weekly report', text: '12 orders, 3 returns, and a new record on Tuesday.' },
  { title: 'Payment received for order 1041' },
  { title: 'Order 1042 is on its way', text: 'It arrives on Tuesday.' },
  { title: 'Anna mentioned you in “Roadmap”', text: '“Could you look at the second milestone before Friday?”' },
];

async function startServer() {
  const env = { ...process.env, PORT: '0', HOST: '127.0.0.1', STORE: 'memory', SOURCE_SECONDS: '0.6' };
  const child = spawn(process.execPath, ['dist/main.js'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    const url = /http:\S+\//.exec(output)?.[0];
    if (url) return { child, url };
  }
  throw new Error('The server did not start: is dist built?');
}

/** Data for the picture: samples and notifications in one list. */
async function publishSome(page) {
  await receivedByBell(page, 20);
  for (const { type, text } of NEWS) {
    await publish(page, { type, text, count: 1 });
    await receivedByBell(page, (await countOfBell(page)) + 3);
  }
  await page.locator('#cables[data-verdict=same]').waitFor();
}

/** Two readers lag behind the third. */
async function pullCables(page) {
  await publishSome(page);
  await page.getByRole('switch', { name: 'Cable of Long poll' }).click();
  await publish(page, { ...NEWS[0], count: 3 });
  await page.getByRole('switch', { name: 'Cable of Long poll' }).click();
  await page.getByText('Long poll caught up on').waitFor();
  await page.getByRole('switch', { name: 'Cable of Bell' }).click();
  await page.getByRole('switch', { name: 'Cable of Long poll' }).click();
  await publish(page, { ...NEWS[2], count: 5 });
  await page.locator('#verdict-answer', { hasText: /Bell lacks (?:[7-9]|\d\d)/ }).waitFor();
}

async function openBell(page) {
  await publishSome(page);
  await page.getByRole('button', { name: /^Notifications/ }).click();
  await page.getByRole('dialog', { name: 'Notifications' }).waitFor();
}

async function openInbox(page) {
  await page.goto(new URL('assets/inbox.html', page.url()).href);
  const inbox = page.locator('notification-inbox');
  await page.waitForFunction(`document.querySelector('notification-inbox').inbox?.status === 'live'`);
  if ((await inbox.evaluate((element) => element.inbox.counts.total)) === 0) await sendItems(page, inbox);
  await inbox.locator('[part=badge]', { hasText: '2' }).waitFor();
  await inbox.locator('[part=bell]').click();
  await inbox
    .locator('li')
    .nth(ITEMS.length - 1)
    .waitFor();
}

async function sendItems(page, inbox) {
  const url = new URL('../inbox-items', page.url()).href;
  for (const item of ITEMS) await page.request.post(url, { data: item });
  await inbox.locator('[part=badge]', { hasText: String(ITEMS.length) }).waitFor();
  await inbox.evaluate((element) => element.inbox.markRead(element.inbox.items.slice(2)));
}

async function isLive(page) {
  await page.locator('#connection', { hasText: 'Live' }).waitFor();
}

/** The lower half of the page, with the story of an item. */
async function explainItem(page) {
  await page.getByLabel('Feed').selectOption('inbox');
  await page.getByLabel('Id of the notification').fill('order-1042-shipped');
  await page.getByLabel('Subscriber').fill('ann');
  await page.getByRole('button', { name: 'Explain', exact: true }).click();
  await page.locator('.verdict').waitFor();
  const top = await page.locator('.columns').evaluate((columns) => columns.offsetTop);
  await page.evaluate(`scrollTo(0, ${top - 12})`);
}

async function publish(page, { type, text, count }) {
  await page.getByLabel('Type').fill(type);
  await page.getByLabel('Data (JSON)').fill(`{ "text": ${JSON.stringify(text)} }`);
  await page.getByLabel('How many').fill(String(count));
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.locator('#publish-result[data-kind=good]').waitFor();
}

const receivedOfBell = (page) => page.locator('.lane', { hasText: 'Bell' }).locator('[data-part=received]');

async function countOfBell(page) {
  return Number(await receivedOfBell(page).textContent());
}

async function receivedByBell(page, count) {
  for (let last; (last = await countOfBell(page)) < count;) {
    await receivedOfBell(page)
      .filter({ hasNotText: new RegExp(`^${last}$`) })
      .waitFor();
  }
}

async function takeShots(browser, url, shots) {
  for (const { file, arrange, ...options } of shots) {
    const page = await browser.newPage({ ...options, deviceScaleFactor: 1.5, reducedMotion: 'reduce' });
    await page.goto(url);
    await arrange(page);
    // The pointer is not part of the picture.
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(root, 'docs', file) });
    await page.close();
    console.log(`docs/${file}`);
  }
}

async function takeServerShots(browser, shots) {
  const { child, url } = await startServer();
  try {
    await takeShots(browser, url, shots);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
}

async function takeInspectorShots(browser, shots) {
  const { InspectorServer } = await import('../test/browser/inspector-page.ts');
  const { feedReport, INBOX_REPORT } = await import('../test/browser/inspector-reports.ts');
  const server = await InspectorServer.start();
  server.show([feedReport(), INBOX_REPORT]);
  try {
    await takeShots(browser, server.url, shots);
  } finally {
    await server.stop();
  }
}

const [prefix = ''] = process.argv.slice(2);
const wanted = (shots) => shots.filter(({ file }) => file.startsWith(prefix));
const files = [...SHOTS, ...INSPECTOR_SHOTS].map(({ file }) => file);
if (!files.some((file) => file.startsWith(prefix))) {
  throw new Error(`No picture begins with "${prefix}". The pictures are ${files.join(', ')}.`);
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  if (wanted(SHOTS).length > 0) await takeServerShots(browser, wanted(SHOTS));
  if (wanted(INSPECTOR_SHOTS).length > 0) await takeInspectorShots(browser, wanted(INSPECTOR_SHOTS));
} finally {
  await browser.close();
}
