import { afterEach, describe, expect, test } from '@jest/globals';
import type { Locks } from '../../src/client/environment.js';
import { endTest } from '../support/http/cleanup.js';
import { upTo } from '../support/http/feed.js';
import { Random } from '../support/http/random.js';
import { Browser, openTab, reaches, type Tab, TabDevice } from './tab-browser.js';

afterEach(endTest);

/** More with TABS_SEEDS. */
const SEEDS = Number(process.env.TABS_SEEDS ?? 30);
/** A leader that stops to answer is replaced within this time: 30 s of silence, then up to 3 s for its answer. */
const REPLACED_MS = 33_000;

/** Publishes, and expects that every tab receives it over one connection. */
async function expectOneConnection(browser: Browser, tabs: readonly Tab[]): Promise<void> {
  const { log } = browser;
  await reaches(browser, () => log.held === 1);
  log.publish(1);
  await reaches(browser, () => log.held === 1 && tabs.every(({ seen }) => seen.at(-1) === log.head));
  await browser.clock.settle();
  expect(log.held).toBe(1);
  expect(tabs.flatMap(({ errors }) => errors)).toEqual([]);
}

async function openTabs(browser: Browser, count: number): Promise<Tab[]> {
  const tabs = Array.from({ length: count }, () => openTab(browser, { cursor: '0' }));
  await expectOneConnection(browser, tabs);
  return tabs;
}

describe('tabs that share a feed have one connection', () => {
  test('when three components of a page start at the same time', async () => {
    const browser = new Browser();
    const device = new TabDevice(browser);
    const tabs = upTo(3).map(() => openTab(browser, { device }));
    await expectOneConnection(browser, tabs);
    await browser.clock.advance(60_000);
    await expectOneConnection(browser, tabs);
  });

  test('when components are mounted twice, as StrictMode does', async () => {
    const browser = new Browser();
    const device = new TabDevice(browser);
    for (const tab of upTo(3).map(() => openTab(browser, { device }))) tab.feed.close();
    await expectOneConnection(
      browser,
      upTo(3).map(() => openTab(browser, { device })),
    );
  });

  test('when several pages with several components open at the same time', async () => {
    const browser = new Browser();
    const devices = upTo(4).map(() => new TabDevice(browser));
    const tabs = devices.flatMap((device) => [openTab(browser, { device }), openTab(browser, { device })]);
    await expectOneConnection(browser, tabs);
  });

  test('after the leader is closed', async () => {
    const browser = new Browser();
    const [leader, ...others] = await openTabs(browser, 4);
    leader?.feed.close();
    await expectOneConnection(browser, others);
  });

  test('after the leader crashes', async () => {
    const browser = new Browser();
    const [leader, ...others] = await openTabs(browser, 4);
    leader?.device.crash();
    await expectOneConnection(browser, others);
  });

  test('after the leader freezes, and after it thaws', async () => {
    const browser = new Browser();
    const [leader, ...others] = await openTabs(browser, 4);
    leader?.device.freeze();
    browser.log.publish(1);
    await browser.clock.advance(REPLACED_MS);
    await expectOneConnection(browser, others);
    leader?.device.thaw();
    await expectOneConnection(browser, [leader!, ...others]);
    // The former leader waits for its turn again.
    for (const { feed } of others) feed.close();
    await expectOneConnection(browser, [leader!]);
  });

  test('within three seconds after the user looks at a tab whose leader is frozen', async () => {
    const browser = new Browser();
    const [leader, other] = await openTabs(browser, 2);
    leader?.device.freeze();
    other?.device.tell('visible');
    await browser.clock.advance(3_000);
    await expectOneConnection(browser, [other!]);
  });

  test('when all tabs miss the leader at the same time', async () => {
    const browser = new Browser();
    const [leader, ...others] = await openTabs(browser, 6);
    leader?.device.freeze();
    for (const { device } of others) device.tell('visible');
    await browser.clock.advance(3_000);
    await expectOneConnection(browser, others);
  });

  test('when a tab gets the lock while it takes it over', async () => {
    const browser = new Browser();
    const [leader, other, last] = await openTabs(browser, 3);
    leader?.device.freeze();
    other?.device.tell('visible');
    await browser.clock.advance(1_499);
    leader?.device.crash();
    await browser.clock.advance(3_000);
    await expectOneConnection(browser, [other!, last!]);
    other?.feed.close();
    await expectOneConnection(browser, [last!]);
  });
});

test('a page that may not use locks reads for itself', async () => {
  const browser = new Browser();
  const request: Locks['request'] = () => Promise.reject(new DOMException('sandboxed', 'SecurityError'));
  const tab = openTab(browser, { environment: { locks: { request } } });
  await expectOneConnection(browser, [tab]);
});

test('feeds of other topics do not share, whatever the order of their topics', async () => {
  const browser = new Browser();
  openTab(browser, { topics: ['a', 'b'] });
  openTab(browser, { topics: ['b', 'a'] });
  openTab(browser, { topics: ['a'] });
  await reaches(browser, () => browser.log.held === 2);
  await browser.clock.advance(60_000);
  expect(browser.log.held).toBe(2);
});

test('a failing `onGap` does not end a feed that shares', async () => {
  const browser = new Browser();
  const { clock, log } = browser;
  let calls = 0;
  const onGap = (): void => {
    if (calls++ < 2) throw new Error('the state cannot be fetched');
  };
  const leader = openTab(browser, { onGap });
  const other = openTab(browser);
  await expectOneConnection(browser, [leader, other]);
  log.gap = true;
  log.publish(1);
  await clock.advance(20_000);
  log.gap = false;
  await clock.advance(20_000);
  await expectOneConnection(browser, [leader, other]);
  expect([calls, leader.seen, other.seen]).toEqual([3, upTo(3), upTo(3)]);
});

describe('tabs that open, close, crash, freeze and thaw', () => {
  test.each(upTo(SEEDS))('lose nothing, double nothing and end with one connection: seed %d', async (seed) => {
    const random = new Random(seed);
    const browser = new Browser();
    const { clock, log } = browser;
    const tabs = new Set<Tab>();
    const frozen = new Set<Tab>();
    for (let step = 0; step < 120; step++) {
      const tab = random.pick([...tabs, undefined]);
      const isAwake = tab && !frozen.has(tab);
      const action = random.below(8);
      if (action <= 1 && tabs.size < 6) {
        const device = isAwake && random.chance(0.5) ? tab.device : new TabDevice(browser);
        tabs.add(openTab(browser, { cursor: '0', device, environment: { random: () => random.next() } }));
      } else if (action === 2 && isAwake) {
        tab.feed.close();
        tabs.delete(tab);
      } else if (action === 3 && tab) {
        tab.device.crash();
        for (const other of tabs) if (other.device === tab.device) [tabs, frozen].map((set) => set.delete(other));
      } else if (action === 4 && isAwake) {
        tab.device.freeze({ cuts: random.chance(0.5) });
        for (const other of tabs) if (other.device === tab.device) frozen.add(other);
      } else if (action === 5 && tab && !isAwake) {
        for (const other of tabs) if (other.device === tab.device) frozen.delete(other);
        tab.device.thaw();
      } else if (action === 6 && isAwake) tab.device.tell(random.pick(['hidden', 'visible'] as const));
      else log.publish(random.below(3));
      await clock.advance(random.pick([0, 0, 10, 2_000, 40_000]));
    }
    for (const device of new Set([...frozen].map((tab) => tab.device))) device.thaw();
    for (const { device } of tabs) device.tell('visible');
    await clock.advance(REPLACED_MS);
    const all = [...tabs, openTab(browser, { cursor: '0' })];
    await expectOneConnection(browser, all);
    for (const { seen } of all) expect(seen).toEqual(upTo(log.head));
    for (const { feed } of all) feed.close();
    await clock.settle();
    expect([log.held, clock.pendingTimers]).toEqual([0, 0]);
  });
});
