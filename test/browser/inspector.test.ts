import { describe, expect, it } from '@jest/globals';
import { until } from '../support/time/until.js';
import type { FeedReport } from '../../src/inspector/inspector-report.js';
import { violationsOn } from './axe.js';
import { inChromium } from './in-chromium.js';
import { InspectorServer, InspectorTestPage } from './inspector-page.js';
import { EXPIRED_STORY, feedReport, INBOX_REPORT, SERIES } from './inspector-reports.js';

/** The browser's messages about requests that fail. */
const FAILED = /net::ERR_|the server responded with a status of [45]\d\d/;

inChromium('the page of the inspector', (browser) => {
  it('shows the figures of each report', async () => {
    const server = await InspectorServer.start();
    const inspector = await InspectorTestPage.open(browser, server.url);
    expect(await inspector.tiles()).toEqual({
      Waiters: '1,825 | 1,204 polls, 618 streams, 3 history',
      Published: '38 /s | 412 topics have waiters on this node',
      Delivered: '1,240 /s | 402 KB per second',
      'Latency p50': '1.8 ms | p99 9.4 ms',
      Refusals: '0 /s | 17 so far, mostly unauthorized',
      Gaps: '0 /s | 1 so far, mostly expired',
      'Waiting to deliver': '0 | queued; deliveries use 3 % of the event loop',
      'Window hits': '99.6 % | 9,840 entries in the window, 4.2 MB',
    });
    const { now } = feedReport();
    const changed = feedReport({
      waiters: { poll: 2, stream: 1, history: 0 },
      wakeQueue: 7,
      gaps: [],
      now: { ...now, published: 0, delivered: 2.5, refusals: 1, deliveryP50Ms: null, deliveryP99Ms: null },
    });
    server.show([changed], 2_000);
    await inspector.refresh();
    await until(async () => (await inspector.tiles()).Waiters === '3 | 2 polls, 1 stream');
    expect(await inspector.tiles()).toMatchObject({
      Published: '0 /s | 412 topics have waiters on this node',
      Delivered: '2.5 /s | 402 KB per second',
      'Latency p50': '– | no delivery in this interval',
      Gaps: '0 /s | none so far',
      'Waiting to deliver': '7 | queued; deliveries use 3 % of the event loop',
    });
    expect(await inspector.page.locator('.tile[data-kind=bad] dt').allTextContents()).toEqual(['Refusals']);
  });

  it('shows topics, slow readers, and the store', async () => {
    const server = await InspectorServer.start();
    const { page, rows, card } = bound(await InspectorTestPage.open(browser, server.url));
    expect((await rows(card('Topics'))).slice(0, 2)).toEqual([
      ['orders.eu', '940', '310'],
      ['orders.us', '612', '205'],
    ]);
    expect(await rows(card('Slow readers'))).toEqual([
      ['grace', 'stream', '294 KB', '14 s', '3'],
      ['linus', 'stream', '96 KB', '4 s', '1'],
      ['203.0.113.9', 'poll', '13 KB', '< 1 s', '2'],
    ]);
    expect(await rows(card('Store'))).toContainEqual(['append', '128K', '0.4 ms', '1.7 ms']);
    expect(await card('Store').locator('.pill').textContent()).toBe('Ready');
    expect(await card('Refusals and gaps').locator('dl').allTextContents()).toEqual([
      'unauthorized14too_many_requests3',
      'expired1',
    ]);
    expect(await card('Inboxes').isVisible()).toBe(false);
    expect(await page.locator('.feed').isVisible()).toBe(false);
  });

  it('switches between feeds, and keeps the choice in the address', async () => {
    const server = await InspectorServer.start();
    const inbox: FeedReport = { ...INBOX_REPORT, health: 'store_unavailable' };
    server.show([feedReport(), inbox]);
    const { page, card } = bound(await InspectorTestPage.open(browser, server.url));
    await page.getByLabel('Feed').selectOption('inbox');
    await card('Inboxes').getByText('5,210').waitFor();
    expect(server.askedFeeds.slice(0, 1)).toEqual([null]);
    expect(server.askedFeeds.at(-1)).toBe('inbox');
    expect(
      await card('Inboxes')
        .locator('meter')
        .evaluate((meter) => (meter as { value?: number }).value),
    ).toBe(0.25);
    expect(await card('Store').locator('.pill').textContent()).toBe('Store unavailable');
    await page.reload();
    await card('Inboxes').getByText('5,210').waitFor();
    expect(await page.getByLabel('Feed').inputValue()).toBe('inbox');
    expect(await page.getByLabel('Feed').locator('option').allTextContents()).toEqual(['default', 'inbox']);
    expect(server.askedFeeds.slice(1)).not.toContain(null);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByLabel('Feed').selectOption('default');
    await page.getByText('1,204 polls').waitFor();
    expect(await page.locator('#connection').textContent()).toBe('Paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    // The feed no longer exists after a new deployment.
    server.show([feedReport({ name: 'renamed' })]);
    await page.locator('#connection', { hasText: 'Live' }).waitFor();
    await until(() => server.askedFeeds.at(-1) === 'renamed');
    browser.expectComplaints(FAILED);
  });

  it('draws the values of a chart, and shows the same values in its legend and table', async () => {
    const server = await InspectorServer.start();
    const inspector = await InspectorTestPage.open(browser, server.url);
    const chart = inspector.chart('Latency');
    const { x, y, width, height } = (await chart.locator('.plot').boundingBox())!;
    await inspector.page.mouse.move(x + (width * 29) / 59, y + height / 2);
    const p99 = SERIES.deliveryP99Ms[29] ?? 0;
    await chart.locator('.legend', { hasText: `p99 ${p99.toFixed(p99 < 9.95 ? 1 : 0)} ms` }).waitFor();
    expect(await chart.locator('.mark').getAttribute('d')).not.toBe('');
    await inspector.page.mouse.move(0, 0);
    await chart.locator('.legend li', { hasText: 'p99 9.4 ms' }).waitFor();
    expect(await chart.locator('.legend li').allTextContents()).toEqual(['p50 1.8 ms', 'p99 9.4 ms']);
    // A line with breaks: one part for each run of values.
    const runs = SERIES.readP50Ms.filter(
      (value, index) => value !== null && (SERIES.readP50Ms[index - 1] ?? null) === null,
    );
    const path = await inspector.chart('Store reads').locator('.plot .line-1').getAttribute('d');
    expect(path?.match(/M/g)).toHaveLength(runs.length);
    await chart.getByRole('button', { name: 'Table of Latency' }).click();
    const cells = await inspector.rows(chart);
    expect(cells).toHaveLength(60);
    expect(cells[0]?.slice(1)).toEqual(['1.8 ms', '9.4 ms']);
  });

  it('shows a hint before the first interval, and on a node that only publishes', async () => {
    const server = await InspectorServer.start();
    const series = Object.fromEntries(
      Object.entries(SERIES).map(([name, values]) => [name, Array.isArray(values) ? [] : values]),
    ) as unknown as typeof SERIES;
    server.show([feedReport({ series })]);
    const inspector = await InspectorTestPage.open(browser, server.url);
    await inspector.page.getByText('The first values appear after 5 s.').waitFor();
    server.show([feedReport({ publishOnly: true })]);
    await inspector.refresh();
    await inspector.page.getByText('This node only publishes to this feed').waitFor();
    server.show([]);
    await inspector.refresh();
    await inspector.page.getByText('This application has no feeds.').waitFor();
    browser.expectComplaints(FAILED);
  });

  it('shows a story, and marks the field that the server rejects', async () => {
    const server = await InspectorServer.start();
    const inspector = await InspectorTestPage.open(browser, server.url);
    const { page } = inspector;
    await inspector.explain({});
    await page.getByText('Enter the id of a notification.').waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('story-id');
    expect(server.asked).toEqual([]);
    await inspector.explain({ id: ' a&b#1 ', subscriber: 'ann' });
    await page.getByText('Readers no longer receive this notification: it has expired.').waitFor();
    expect(server.asked).toEqual([{ id: 'a&b#1', subscriber: 'ann', feed: 'default' }]);
    expect(await page.locator('.steps li').first().locator('time').getAttribute('datetime')).toBe(
      '2026-11-29T09:10:00.000Z',
    );
    expect(await page.locator('.story-facts').textContent()).toContain('Topicorders.eu');
    server.story = { status: 400, body: { code: 'bad', message: 'topic is too long', field: 'topic' } };
    await inspector.explain({ topic: 'x'.repeat(500) });
    await page.getByText('topic is too long').waitFor();
    expect(await page.locator('[aria-invalid=true]').getAttribute('id')).toBe('story-topic');
    expect(await page.locator('.steps').count()).toBe(0);
    browser.expectComplaints(FAILED);
    // The address has the question, so that an operator can share it.
    server.story = { body: EXPIRED_STORY };
    await page.reload();
    await page.locator('.verdict').waitFor();
    expect(server.asked.at(-1)).toEqual({ id: 'a&b#1', subscriber: 'ann', topic: 'x'.repeat(500), feed: 'default' });
  });

  it('shows an answer as busy only while a question is open', async () => {
    const server = await InspectorServer.start();
    const inspector = await InspectorTestPage.open(browser, server.url);
    const { page } = inspector;
    await page.route('**/explain?*', () => undefined);
    await inspector.explain({ id: 'a' });
    await page.locator('.answer[aria-busy=true]').waitFor();
    await inspector.explain({ id: '' });
    await page.getByText('Enter the id of a notification.').waitFor();
    expect(await page.locator('.answer').getAttribute('aria-busy')).toBe(null);
  });

  it('shows that the server is gone, keeps the figures, and continues when it is back', async () => {
    const server = await InspectorServer.start();
    const inspector = await InspectorTestPage.open(browser, server.url);
    const { page } = inspector;
    await server.stop();
    await inspector.refresh();
    await page.getByText('The server cannot be reached.').waitFor();
    expect(await page.locator('main[data-stale]').count()).toBe(1);
    expect((await inspector.tiles()).Waiters).toBe('1,825 | 1,204 polls, 618 streams, 3 history');
    expect(await violationsOn(page)).toEqual([]);
    await server.listen();
    await page.getByRole('button', { name: 'Try now' }).click();
    await inspector.connection('Live');
    expect(await page.locator('.banner').isVisible()).toBe(false);
    server.state = { status: 401, body: {} };
    await inspector.refresh();
    await page.getByText('You are not signed in.').waitFor();
    server.state = { status: 403, body: {} };
    await inspector.refresh();
    await page.getByText('You have no permission to use the inspector.').waitFor();
    server.state = { body: '<!doctype html><title>Sign in</title>' };
    await inspector.refresh();
    await page.getByText('The answer is not a report of the inspector.').waitFor();
    server.show();
    await inspector.refresh();
    await inspector.connection('Live');
    browser.expectComplaints(FAILED);
  });

  it('stops while it is paused', async () => {
    const server = await InspectorServer.start();
    const inspector = await InspectorTestPage.open(browser, server.url);
    await inspector.page.getByRole('button', { name: 'Pause' }).click();
    await inspector.connection('Paused');
    server.show([feedReport({ wakeQueue: 9 })]);
    await inspector.refresh();
    expect((await inspector.tiles())['Waiting to deliver']).toBe('0 | queued; deliveries use 3 % of the event loop');
    await inspector.page.getByRole('button', { name: 'Resume' }).click();
    await until(
      async () =>
        (await inspector.tiles())['Waiting to deliver'] === '9 | queued; deliveries use 3 % of the event loop',
    );
  });
});

inChromium('for everybody, the page of the inspector', (browser) => {
  const looks = [
    { colorScheme: 'light', width: 1280 },
    { colorScheme: 'dark', width: 360 },
  ] as const;

  describe.each(looks)('in $colorScheme mode at $width pixels', (look) => {
    it('has no violations that axe finds, with a table and a story', async () => {
      const server = await InspectorServer.start();
      const inbox = { states: 1, bytes: 1, bytesMax: 2, operations: [] };
      server.show([feedReport({ inbox }), feedReport({ name: 'other' })]);
      const hash = '#id=a&subscriber=ann';
      const inspector = await InspectorTestPage.open(browser, server.url, { ...look, hash });
      await inspector.chart('Latency').getByRole('button', { name: 'Table of Latency' }).click();
      await inspector.page.locator('.verdict').waitFor();
      expect(await violationsOn(inspector.page)).toEqual([]);
      expect(await inspector.overflow()).toBe(0);
    });
  });

  it('can be used with the keyboard alone', async () => {
    const server = await InspectorServer.start();
    const inspector = await InspectorTestPage.open(browser, server.url);
    const { page } = inspector;
    const { keyboard } = page;
    const focused = (): Promise<string> =>
      page.evaluate(`document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent`);
    const tabTo = async (name: string): Promise<void> => {
      for (let steps = 0; steps < 60 && (await focused()) !== name; steps++) await keyboard.press('Tab');
      expect(await focused()).toBe(name);
    };
    await tabTo('Latency, publish to write: time');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    const value = (): Promise<string> => page.evaluate('document.activeElement.ariaValueText');
    expect(await value()).toMatch(/^[\d:]{8}, p50 1.8 ms, p99 9.4 ms$/);
    await keyboard.press('Home');
    expect(await value()).toContain(`p50 ${SERIES.deliveryP50Ms[0]?.toFixed(1)} ms`);
    await keyboard.press('ArrowRight');
    expect(await value()).toContain(`p50 ${SERIES.deliveryP50Ms[1]?.toFixed(1)} ms`);
    await keyboard.press('Escape');
    expect(await value()).toContain('p50 1.8 ms');
    await tabTo('Waiters');
    await keyboard.press('Enter');
    expect((await inspector.rows(inspector.card('Topics')))[0]).toEqual(['announcements', '0.4', '1,022']);
    await keyboard.press('Enter');
    expect((await inspector.rows(inspector.card('Topics')))[0]?.[0]).toBe('user.4711');
    expect(await inspector.card('Topics').locator('[aria-sort]').getAttribute('aria-sort')).toBe('ascending');
    await page.getByRole('button', { name: 'Look up' }).focus();
    await keyboard.press('Enter');
    await keyboard.type('order-1042');
    await keyboard.press('Enter');
    await page.locator('.verdict').waitFor();
    expect(server.asked).toEqual([{ id: 'order-1042', feed: 'default' }]);
  });

  it('shows hostile names as text, and stays within 360 pixels', async () => {
    const server = await InspectorServer.start();
    const hostile = ['<img src=x onerror=alert(1)>', '</td></table><script>1</script>', 'pay\u202etxt.exe', '\u05d0'];
    const names = [...hostile, 'x'.repeat(10_000), 'w w'.repeat(60), '😀'.repeat(200)];
    const topics = names.map((topic, index) => ({ topic, publishesPerMinute: 90 - index, waiters: 12_345_678 }));
    const list = names.map((subscriber, index) => ({
      subscriber,
      transport: 'history' as const,
      unreadBytes: 1e12 - index,
      ageMs: 1e9,
      topics: 100_000,
    }));
    const codes = names.map((code) => ({ code, count: 5 }));
    const feed = feedReport({
      name: names[4]!,
      topTopics: { byPublishes: topics, byWaiters: topics, complete: false },
      slowReaders: { connections: 7, bytes: 1e12, list },
      refusals: codes,
      gaps: codes,
      store: { tailLagMs: 1e9, calls: [], errors: codes },
    });
    server.show([feed, feedReport()]);
    const text = names.join(' ');
    server.story = {
      body: {
        ...EXPIRED_STORY,
        id: text,
        access: { subscriber: text, allowed: 'no', rule: 'access.read', waiters: 0 },
        notification: { ...EXPIRED_STORY.notification!, topic: text, key: text, traceparent: text },
      },
    };
    const inspector = await InspectorTestPage.open(browser, server.url, { width: 360, hash: '#id=a' });
    const { page } = inspector;
    await page.locator('.verdict').waitFor();
    expect((await inspector.rows(inspector.card('Topics'))).map(([name]) => name).slice(0, 4)).toEqual([
      '<img src=x onerror=alert(1)>',
      '</td></table><script>1</script>',
      'pay[U+202E]txt.exe',
      '\u05d0',
    ]);
    expect(await page.locator('img, table script').count()).toBe(0);
    expect(await inspector.overflow()).toBe(0);
    const clipped = await page.evaluate(`[...document.querySelectorAll('.card *')].filter((part) =>
      part.getBoundingClientRect().right > part.closest('.card').getBoundingClientRect().right).length`);
    expect(clipped).toBe(0);
  });

  it('has no animation with reduced motion, and keeps the colours of its lines with forced colours', async () => {
    const server = await InspectorServer.start();
    const inspector = await InspectorTestPage.open(browser, server.url, { forcedColors: 'active' });
    const { page } = inspector;
    const style = (selector: string, name: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.querySelector('${selector}')).${name}`);
    expect(await style('button', 'transitionDuration')).toBe('0s');
    expect(await style('.plot .line-1', 'stroke')).not.toBe(await style('.plot .grid', 'stroke'));
    expect(await style('.pill', 'borderTopStyle')).toBe('solid');
  });
});

/** The methods of a page, without `this`. */
function bound(inspector: InspectorTestPage) {
  return {
    page: inspector.page,
    card: (title: string) => inspector.card(title),
    rows: (card: ReturnType<InspectorTestPage['card']>) => inspector.rows(card),
  };
}
