import { afterEach, describe, expect, test } from '@jest/globals';
import type { Locks } from '../../src/client/tabs/browser-apis.js';
import { inDepth } from '../support/depth.js';
import { endTest } from '../support/http/cleanup.js';
import { upTo } from '../support/http/feed.js';
import { Random } from '../support/random.js';
import { Browser, openTab, reaches, type Tab, TabDevice } from './tab-browser.js';

afterEach(endTest);

/** TABS_SEEDS sets another number. */
const SEEDS = Number(process.env.TABS_SEEDS ?? inDepth(20, 200));
/** Another tab replaces a frozen leader within 30 s of silence and up to 3 s without an answer. */
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

  test('after the leader freezes, and after it resumes', async () => {
    const browser = new Browser();
    const [leader, ...others] = await openTabs(browser, 4);
    leader?.device.freeze();
    browser.log.publish(1);
    await browser.clock.advance(REPLACED_MS);
    await expectOneConnection(browser, others);
    leader?.device.resume();
    await expectOneConnection(browser, [leader!, ...others]);
    // The former leader is in the queue for the lock again.
    for (const { feed } of others) feed.close();
    await expectOneConnection(browser, [leader!]);
  });

  test('within three seconds after a tab with a frozen leader is visible', async () => {
    const browser = new Browser();
    const [leader, other] = await openTabs(browser, 2);
    leader?.device.freeze();
    other?.device.emit('visible');
    await browser.clock.advance(3_000);
    await expectOneConnection(browser, [other!]);
  });

  test('when all tabs miss the leader at the same time', async () => {
    const browser = new Browser();
    const [leader, ...others] = await openTabs(browser, 6);
    leader?.device.freeze();
    for (const { device } of others) device.emit('visible');
    await browser.clock.advance(3_000);
    await expectOneConnection(browser, others);
  });

  test('when a tab gets the lock while it steals it', async () => {
    const browser = new Browser();
    const [leader, other, last] = await openTabs(browser, 3);
    leader?.device.freeze();
    other?.device.emit('visible');
    await browser.clock.advance(1_499);
    leader?.device.crash();
    await browser.clock.advance(3_000);
    await expectOneConnection(browser, [other!, last!]);
    other?.feed.close();
    await expectOneConnection(browser, [last!]);
  });
});

describe('a visible tab whose leader is hidden', () => {
  /** Hides the leader, and lets its poll end with an empty page, so that it pauses. */
  async function hideLeader(browser: Browser, leader: Tab | undefined): Promise<void> {
    leader?.device.emit('hidden');
    await browser.clock.advance(25_000);
  }

  test('receives a notification within half a second, not after the pause of the leader', async () => {
    const browser = new Browser();
    const [leader, other] = await openTabs(browser, 2);
    await hideLeader(browser, leader);
    await browser.clock.advance(500);
    browser.log.publish(1);
    await browser.clock.settle();
    expect(other?.seen.at(-1)).toBe(browser.log.head);
    await expectOneConnection(browser, [leader!, other!]);
  });

  test('takes over when it opens', async () => {
    const browser = new Browser();
    const [leader] = await openTabs(browser, 1);
    await hideLeader(browser, leader);
    const other = openTab(browser, { cursor: '0' });
    await browser.clock.advance(500);
    await expectOneConnection(browser, [leader!, other]);
  });

  test('takes over when it becomes visible', async () => {
    const browser = new Browser();
    const [leader, other] = await openTabs(browser, 2);
    other?.device.emit('hidden');
    await hideLeader(browser, leader);
    expect(browser.log.held).toBe(0);
    other?.device.emit('visible');
    await browser.clock.advance(500);
    await expectOneConnection(browser, [leader!, other!]);
  });

  test('takes over alone among several feeds of its page', async () => {
    const browser = new Browser();
    const [leader, other] = await openTabs(browser, 2);
    let next = 0;
    const environment = { random: () => (next += 0.1) };
    const feeds = upTo(3).map(() => openTab(browser, { device: other!.device, cursor: '1', environment }));
    await expectOneConnection(browser, [leader!, other!, ...feeds]);
    await hideLeader(browser, leader);
    const { polls } = browser.log;
    await browser.clock.advance(500);
    expect(browser.log.polls - polls).toBeLessThanOrEqual(2);
    await expectOneConnection(browser, [leader!, other!, ...feeds]);
  });

  test('does not take over if both tabs are hidden', async () => {
    const browser = new Browser();
    const [leader, other] = await openTabs(browser, 2);
    other?.device.emit('hidden');
    await hideLeader(browser, leader);
    await browser.clock.advance(5_000);
    expect(browser.log.held).toBe(0);
    await browser.clock.advance(5_000);
    expect(browser.log.held).toBe(1);
  });
});

test('a page that may not use locks has its own connection', async () => {
  const browser = new Browser();
  const request: Locks['request'] = () => Promise.reject(new DOMException('sandboxed', 'SecurityError'));
  const { openChannel } = new TabDevice(browser);
  const tab = openTab(browser, { apis: { openChannel, locks: { request } } });
  await expectOneConnection(browser, [tab]);
});

test('feeds share if they have the same topics, in any order', async () => {
  const browser = new Browser();
  openTab(browser, { topics: ['a', 'b'] });
  openTab(browser, { topics: ['b', 'a'] });
  openTab(browser, { topics: ['a'] });
  await reaches(browser, () => browser.log.held === 2);
  await browser.clock.advance(60_000);
  expect(browser.log.held).toBe(2);
});

test('an error of `onGap` does not end a feed that shares', async () => {
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

describe('tabs that open, close, crash, freeze and resume', () => {
  test.each(upTo(SEEDS))('receive each notification once and end with one connection: seed %d', async (seed) => {
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
        tab.device.resume();
      } else if (action === 6 && isAwake) tab.device.emit(random.pick(['hidden', 'visible'] as const));
      else log.publish(random.below(3));
      await clock.advance(random.pick([0, 0, 10, 2_000, 40_000]));
    }
    for (const device of new Set([...frozen].map((tab) => tab.device))) device.resume();
    for (const { device } of tabs) device.emit('visible');
    await clock.advance(REPLACED_MS);
    const all = [...tabs, openTab(browser, { cursor: '0' })];
    await expectOneConnection(browser, all);
    for (const { seen } of all) expect(seen).toEqual(upTo(log.head));
    for (const { feed } of all) feed.close();
    await clock.settle();
    expect([log.held, clock.pendingTimers]).toEqual([0, 0]);
  });
});
