import { afterEach, describe, expect, test } from '@jest/globals';
import { messageFrom } from '../../src/client/tabs/messages.js';
import { endTest } from '../support/http/cleanup.js';
import { upTo } from '../support/http/feed.js';
import { Random } from '../support/random.js';
import { Browser, openTab, reaches } from './tab-browser.js';

afterEach(endTest);

const STATE = { phase: 'live', reason: undefined, transport: 'poll' };
const DELIVERY = { notifications: [{ id: 'id-1', n: 1 }], retracted: [{ id: 'id-0', topic: 'orders' }], cursor: '1' };
const MESSAGES: readonly Record<string, unknown>[] = [
  { type: 'ask' },
  { type: 'report', cursor: '1', lastId: 'id-1', state: STATE },
  { type: 'delivery', after: '0', delivery: DELIVERY },
  { type: 'state', state: STATE },
  { type: 'state', state: { ...STATE, phase: 'waiting', reason: 'hidden' } },
];
const HUGE = 'x'.repeat(1_000_000);
const throwing = {
  get type(): string {
    throw new Error('read');
  },
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();

const MALFORMED: readonly unknown[] = [
  null,
  undefined,
  0,
  'ask',
  HUGE,
  [],
  {},
  { type: null },
  { type: 'hello' },
  { type: HUGE },
  { type: 'report' },
  { type: 'report', cursor: 1, state: STATE },
  { type: 'report', cursor: '', state: STATE },
  { type: 'report', cursor: HUGE, state: STATE },
  { type: 'report', cursor: '1', lastId: {}, state: STATE },
  { type: 'report', cursor: '1', state: { ...STATE, phase: 'dead' } },
  { type: 'report', cursor: '1', state: null },
  { type: 'state' },
  { type: 'state', state: { ...STATE, reason: 1 } },
  { type: 'state', state: { ...STATE, transport: 'pigeon' } },
  { type: 'delivery' },
  { type: 'delivery', after: {}, delivery: DELIVERY },
  { type: 'delivery', after: '0', delivery: null },
  { type: 'delivery', after: '0', delivery: { ...DELIVERY, cursor: HUGE } },
  { type: 'delivery', after: '0', delivery: { ...DELIVERY, notifications: [null] } },
  { type: 'delivery', after: '0', delivery: { ...DELIVERY, notifications: { length: 1 } } },
  { type: 'delivery', after: '0', delivery: { ...DELIVERY, retracted: [null] } },
  { type: 'delivery', after: '0', delivery: { ...DELIVERY, retracted: 'id-0' } },
  { type: 'delivery', after: '0', delivery: { ...DELIVERY, gap: 'expired' } },
  { type: 'delivery', after: '0', delivery: { ...DELIVERY, gap: null } },
  throwing,
  { type: 'state', state: throwing },
  { type: 'delivery', after: '0', delivery: throwing },
  revoked.proxy,
  new Proxy({}, { get: () => () => HUGE }),
];

test.each(MESSAGES)('a valid message is accepted: $type', (message) => {
  expect(messageFrom(message)).toEqual(message);
});

test.each(MALFORMED.map((message, index) => ({ message, index })))(
  'malformed message $index is ignored',
  ({ message }) => {
    expect(messageFrom(message)).toBeUndefined();
  },
);

test('each field of a message is read once, so that a getter cannot change it later', () => {
  let reads = 0;
  const delivery = {
    notifications: [],
    get cursor(): unknown {
      return reads++ === 0 ? '1' : null;
    },
  };
  expect(messageFrom({ type: 'delivery', after: '0', delivery })).toMatchObject({ delivery: { cursor: '1' } });
});

/** A leader and a follower, with the name of their channel. */
async function openPair() {
  const browser = new Browser();
  const tabs = [openTab(browser, { cursor: '0' }), openTab(browser, { cursor: '0' })];
  browser.log.publish(2);
  await reaches(browser, () => browser.log.held === 1 && tabs.every(({ seen }) => seen.length === 2));
  return { browser, tabs, log: browser.log, name: [...browser.names][0] ?? '' };
}

describe('tabs that share a feed', () => {
  test('use the version of their messages in the name of the group', async () => {
    const { browser } = await openPair();
    expect([...browser.names]).toEqual(['nest-notifications/1 ["orders"]']);
  });

  test('ignore malformed messages', async () => {
    const { browser, tabs, log, name } = await openPair();
    for (const message of MALFORMED) browser.post(name, message);
    log.publish(1);
    await reaches(browser, () => tabs.every(({ seen }) => seen.length === 3));
    for (const { seen, errors } of tabs) expect([seen, errors]).toEqual([upTo(3), []]);
    expect(log.held).toBe(1);
  });

  test.each([
    ['a cursor that the server does not know', '99999', '2'],
    ['an earlier cursor', '1', '2'],
    ['a later cursor', '4', '2'],
    ['an unknown position before it', '2', '77'],
  ])('lose nothing after a wrong delivery with %s', async (_, cursor, after) => {
    const { browser, tabs, log, name } = await openPair();
    browser.post(name, { type: 'delivery', after, delivery: { notifications: [], cursor } });
    await browser.clock.settle();
    for (let n = 0; n < 3; n++) {
      log.publish(1);
      await browser.clock.advance(10);
    }
    await reaches(browser, () => tabs.every(({ seen }) => seen.length >= 5));
    for (const { seen, errors } of tabs) expect([seen, errors]).toEqual([upTo(5), []]);
  });

  test('ignore a wrong report while a tab joins', async () => {
    const { browser, tabs, log, name } = await openPair();
    browser.passes = ({ type }) => {
      if (type === 'ask') browser.post(name, { type: 'report', cursor: '99999', lastId: undefined, state: STATE });
      return true;
    };
    const late = openTab(browser);
    await reaches(browser, () => late.feed.cursor !== undefined);
    browser.passes = () => true;
    for (let n = 0; n < 3; n++) {
      log.publish(1);
      await browser.clock.advance(10);
    }
    await reaches(browser, () => late.seen.at(-1) === 5);
    expect([...tabs, late].flatMap(({ errors }) => errors)).toEqual([]);
  });

  test.each(upTo(20))('receive each notification once among any messages: seed %d', async (seed) => {
    const random = new Random(seed);
    const { browser, tabs, log, name } = await openPair();
    for (let step = 0; step < 150; step++) {
      const message: Record<string, unknown> = { ...random.pick([...browser.messages, ...MESSAGES]) };
      const isForged = random.chance(0.5);
      // Repeats, shortens or changes a message, or makes one of another kind.
      const key = random.pick(Object.keys(message));
      if (isForged) message[key] = random.pick([...MALFORMED, ...Object.values(random.pick(MESSAGES)), '2', '99999']);
      if (random.chance(0.7)) browser.post(name, message);
      else log.publish(random.below(2));
      await browser.clock.advance(random.pick([0, 0, 100, 5_000]));
    }
    await browser.clock.advance(40_000);
    log.publish(1);
    await reaches(browser, () => log.held === 1 && tabs.every(({ seen }) => seen.includes(log.head)));
    for (const { seen, errors } of tabs) {
      expect(errors).toEqual([]);
      expect(seen).toEqual(upTo(log.head));
    }
  });
});
