import { expect, test } from '@jest/globals';
import { publish, upTo } from '../support/http/feed.js';
import { Server } from '../support/http/restart.js';
import { until } from '../support/time/until.js';
import { bundle } from './bundle.js';
import { serve, Tab } from './client-page.js';
import { inChromium } from './in-chromium.js';

/** The page's own EventSource, as in docs/clients.md. */
const EVENT_SOURCE = `
window.seen = [];
const source = new EventSource('/notifications?topic=orders');
source.onmessage = ({ data }) => seen.push(JSON.parse(data).data.n);
source.addEventListener('gap', () => seen.push('gap'));
`;

/** As its documentation has it: a stream that ends is opened again by an error. */
const FETCH_EVENT_SOURCE = `
import { fetchEventSource } from '@microsoft/fetch-event-source';
window.seen = [];
void fetchEventSource('/notifications?topic=orders', {
  headers: { 'X-Any': 'header' },
  onmessage: ({ event, data }) => { if (event === '') seen.push(JSON.parse(data).data.n); },
  onclose: () => { throw new Error('again'); },
  onerror: () => 50,
});
`;

const CLIENTS: [string, string][] = [
  ['the client by poll', '/page?transport=poll'],
  ['the client by SSE', '/page?transport=sse'],
  ['an EventSource', '/event-source'],
  ['@microsoft/fetch-event-source', '/fetch-event-source'],
];

inChromium('a feed whose server restarts', (browser) => {
  const scripts = new Map([
    ['/event-source.js', EVENT_SOURCE],
    ['/fetch-event-source.js', bundle(FETCH_EVENT_SOURCE)],
  ]);

  test.each(CLIENTS)('is read by %s without a loss', async (_, path) => {
    const server = await Server.start((options) => serve(options, scripts));
    const tab = await Tab.open(browser, server.app, path);
    const isHeld = () => until(() => server.app.counts().waiters === 1);
    await isHeld();
    await publish(server.app, 'orders', 3);
    await tab.sees(3);
    for (const socket of server.app.sockets) socket.destroy();
    await publish(server.app, 'orders', 3, 4);
    await tab.sees(6);
    await isHeld();
    await server.restart();
    await publish(server.app, 'orders', 3, 7);
    await tab.sees(9);
    await isHeld();
    await publish(server.app, 'orders', 1, 10);
    await tab.sees(10);
    expect(await tab.seen()).toEqual(upTo(10));
    browser.expectComplaints(/ERR_(CONNECTION_|EMPTY_RESPONSE|INCOMPLETE)/);
  });
});
