import { test } from '@jest/globals';
import { buildSync } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { publish } from '../support/http/feed.js';
import { until } from '../support/http/until.js';
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

/** An application with a bundler. */
function bundle(contents: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    alias: { 'nest-notifications/react': fileURLToPath(new URL('../../src/client/react.ts', import.meta.url)) },
    define: { 'process.env.NODE_ENV': '"development"' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

inChromium('the hook for React', (browser) => {
  test('keeps the newest, and leaves with its component', async () => {
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
});
