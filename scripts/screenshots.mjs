/**
 * Takes the pictures of the demo page in docs/, from the built server: `npm run build && node scripts/screenshots.mjs`.
 * CHROMIUM_PATH names the browser; default /usr/bin/chromium.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './tools.mjs';

const SHOTS = [
  { file: 'demo-light.png', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { file: 'demo-dark.png', colorScheme: 'dark', viewport: { width: 1280, height: 800 }, pullCable: true },
  { file: 'demo-phone.png', colorScheme: 'light', viewport: { width: 390, height: 844 } },
];

async function startServer() {
  const env = { ...process.env, PORT: '0', HOST: '127.0.0.1', SOURCE_SECONDS: '1' };
  const child = spawn(process.execPath, ['dist/main.js'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    const url = /http:\S+\//.exec(output)?.[0];
    if (url) return { child, url };
  }
  throw new Error('The server did not start: is dist built?');
}

/** Something worth showing: samples, a publish, and perhaps a cable that is pulled, so that one column lags behind. */
async function arrange(page, { url, pullCable }) {
  await page.goto(url);
  const stream = page.getByRole('region', { name: 'EventSource' });
  const received = (pattern) => stream.locator('[data-part=received]').filter({ hasText: pattern }).waitFor();
  await received(/^[3-9]$/);
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.locator('#publish-result[data-kind=good]').waitFor();
  await received(/^([6-9]|\d\d)$/);
  if (!pullCable) return;
  await page.getByRole('button', { name: 'Pull the cable of Long poll' }).click();
  await page.getByText('Long poll is 3 behind').waitFor();
}

const { child, url } = await startServer();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for (const { file, pullCable, ...options } of SHOTS) {
    const page = await browser.newPage(options);
    await arrange(page, { url, pullCable });
    await page.screenshot({ path: join(root, 'docs', file) });
    await page.close();
    console.log(`docs/${file}`);
  }
} finally {
  await browser.close();
  child.kill();
  await once(child, 'exit');
}
