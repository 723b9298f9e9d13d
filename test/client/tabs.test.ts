import { afterEach, describe, expect, test } from '@jest/globals';
import { betweenTabs } from 'nest-notifications/client/tabs';
import { endTest } from '../support/http/cleanup.js';
import { upTo } from '../support/http/feed.js';
import { Browser, openTab, reaches, type Tab } from './tab-browser.js';

afterEach(endTest);

async function leaderOf(browser: Browser): Promise<Tab> {
  const leader = openTab(browser);
  await reaches(browser, () => browser.log.held === 1);
  return leader;
}

test.each([
  ['', 'empty'],
  [undefined, 'undefined'],
  [null, 'object'],
  [7, 'number'],
])('betweenTabs rejects the name %j', (name, problem) => {
  const message = `the name of betweenTabs is ${problem}; pass a string with the id of the user`;
  expect(() => betweenTabs(name as string)).toThrow(new TypeError(message));
});

describe('tabs that share a feed', () => {
  test('receive everything over one connection', async () => {
    const browser = new Browser();
    const { log } = browser;
    await leaderOf(browser);
    const tabs = Array.from({ length: 5 }, () => openTab(browser));
    await reaches(browser, () => tabs.every(({ feed }) => feed.cursor !== undefined));
    log.publish(3);
    await reaches(browser, () => tabs.every(({ seen }) => seen.length === 3));
    expect(log.held).toBe(1);
  });

  test('catch up from an old position, and receive each notification once', async () => {
    const browser = new Browser();
    const { log } = browser;
    log.publish(5);
    const { seen: first } = await leaderOf(browser);
    log.publish(5);
    await reaches(browser, () => first.length === 5);
    // The late tab reads beyond the leader's position, so the leader's next delivery overlaps.
    browser.passes = ({ type }) => {
      if (type === 'report') log.publish(2);
      return true;
    };
    const late = openTab(browser, { cursor: '2' });
    await reaches(browser, () => late.seen.length === 10);
    log.publish(1);
    await reaches(browser, () => late.seen.length === 11);
    expect(late.seen).toEqual(upTo(13).filter((n) => n > 2));
  });

  test('miss nothing if they start before the leader has a position', async () => {
    const browser = new Browser();
    const { log } = browser;
    log.publish(2);
    let open = (): void => undefined;
    log.gate = new Promise((resolve) => (open = resolve));
    openTab(browser);
    await reaches(browser, () => log.polls === 1);
    const late = openTab(browser, { cursor: '0' });
    await reaches(browser, () => late.seen.length === 2);
    log.publish(1);
    open();
    await reaches(browser, () => log.held === 1);
    log.publish(1);
    await reaches(browser, () => late.seen.includes(4));
    expect(late.seen).toEqual(upTo(4));
  });

  test('wait until their node has the leader’s last notification', async () => {
    const browser = new Browser();
    const { log } = browser;
    const leader = await leaderOf(browser);
    log.publish(4);
    await reaches(browser, () => leader.seen.length === 4);
    log.lag = 3;
    const late = openTab(browser, { cursor: '0' });
    await reaches(browser, () => late.seen.length >= 1);
    log.publish(1);
    await reaches(browser, () => late.seen.length === 5);
    expect(late.seen).toEqual(upTo(5));
  });

  test('read a delivery from the server if its message is lost', async () => {
    const browser = new Browser();
    const { log } = browser;
    await leaderOf(browser);
    const other = openTab(browser);
    await reaches(browser, () => other.feed.cursor !== undefined);
    browser.passes = ({ type }) => type !== 'delivery';
    log.publish(2);
    await browser.clock.settle();
    browser.passes = () => true;
    log.publish(2);
    await reaches(browser, () => other.seen.length === 4);
    expect(other.seen).toEqual(upTo(4));
  });

  test('take over from a leader that is closed', async () => {
    const browser = new Browser();
    const { log } = browser;
    const first = await leaderOf(browser);
    const second = openTab(browser);
    const third = openTab(browser);
    await reaches(browser, () => [second, third].every(({ feed }) => feed.cursor !== undefined));
    first.feed.close();
    await reaches(browser, () => log.held === 1);
    log.publish(3);
    await reaches(browser, () => third.seen.length === 3);
    second.feed.close();
    await reaches(browser, () => log.held === 1);
    log.publish(3);
    await reaches(browser, () => third.seen.length === 6);
    expect([second.seen, third.seen]).toEqual([upTo(3), upTo(6)]);
  });

  test('receive everything at once while the application of the leader is slow, and it loses nothing', async () => {
    const browser = new Browser();
    const { log } = browser;
    const leader = openTab(browser, { isSlow: true });
    await reaches(browser, () => log.held === 1);
    const others = Array.from({ length: 3 }, () => openTab(browser));
    await reaches(browser, () => others.every(({ feed }) => feed.cursor !== undefined));
    // More than the queue and the buffer of the leader can have together.
    for (let round = 1; round <= 8; round++) {
      log.publish(500);
      await reaches(browser, () => others.every(({ seen }) => seen.length === 500 * round));
    }
    expect(leader.seen.length).toBeLessThan(10);
    leader.release();
    await reaches(browser, () => leader.seen.length === 4_000);
    log.publish(1);
    await reaches(browser, () => [leader, ...others].every(({ seen }) => seen.length === 4_001));
    for (const { seen } of [leader, ...others]) expect(seen).toEqual(upTo(4_001));
  });

  test('renew the token of the leader, and another tab leads with its own token after a final 401', async () => {
    const browser = new Browser();
    const { log } = browser;
    const tab = (name: string) => openTab(browser, { auth: ({ refused }) => `${name}${refused ? ' refreshed' : ''}` });
    const first = tab('first');
    await reaches(browser, () => log.held === 1);
    const second = tab('second');
    await reaches(browser, () => second.feed.cursor !== undefined);
    log.accepts = (token) => token === 'first refreshed';
    for (let n = 1; n <= 3; n++) {
      log.publish(1);
      await reaches(browser, () => log.held === 1 && second.seen.length === n);
    }
    log.accepts = (token) => token.startsWith('second');
    log.publish(1);
    await reaches(browser, () => first.errors.length === 1 && log.held === 1);
    log.publish(1);
    await reaches(browser, () => second.seen.length === 5);
    expect([first.seen, second.seen]).toEqual([upTo(4), upTo(5)]);
    expect(first.errors).toMatchObject([{ status: 401 }]);
  });
});
