import { describe, expect, test } from '@jest/globals';
import type { ProblemKind } from './history.js';
import {
  client,
  type Example,
  found,
  LOG,
  placed,
  PUBLISHES,
  publish,
  TRIMMED,
  unfinished,
  WIPED,
  withRights,
} from './examples.js';

const ALL = client('a b', 'earliest > a1 b2 a3 b5 > end');

/** Wrong histories, and their problems. examples.ts explains the notation. */
const BAD: Record<ProblemKind, Record<string, [example: Example, ...problems: string[]]>> = {
  lost: {
    'one missing between others': [
      { clients: [ALL, client('a b', 'earliest > a1 a3 b5 > x')] },
      'b b2 is missing before x',
    ],
    'the first missing': [{ clients: [ALL, client('a', 'earliest > a3 > x')] }, 'a a1 is missing before x'],
    'the last missing': [{ clients: [ALL, client('b', 'earliest > b2 > x')] }, 'b b5 never came'],
    'all missing': [{ clients: [client('a', 'earliest > > x')] }, 'a a1 never came', 'a a3 never came'],
    'one missing between pages': [
      { clients: [ALL, client('a b', 'earliest > a1 > x', 'x > a3 > y', 'y > b5 > z')] },
      'b b2 is missing before z',
    ],
    'one missing behind the end where it began': [
      { clients: [ALL, client('a b', 'latest > > x @15', 'x > a3 b5 > y')] },
      'b b2 is missing before y',
    ],
    'one missing behind a given cursor': [
      { clients: [ALL, client('a b', 'given > b5 > x @25-60')] },
      'a a3 never came',
    ],
    'one missing of a stream': [
      { clients: [ALL, client('a', 'earliest > > x @0', 'x > a3 > y')] },
      'a a1 is missing before y',
    ],
    'one missing of a known log': [
      { logs: LOG, clients: [client('a b', 'earliest > a1 a3 b5 > x')] },
      'b b2 is missing before x',
    ],
    'one missing where the cursor says so': [
      { logs: LOG, clients: [unfinished(placed('a b', 'earliest > a1 > x2'))] },
      'b b2 is missing before x2',
    ],
    'one missing behind an empty page': [
      { logs: LOG, clients: [placed('a b', 'earliest > a1 > x1', 'x1 > > x2', 'x2 > a3 b5 > x5')] },
      'b b2 is missing before x2',
    ],
    'one missing after an old cursor': [
      { logs: LOG, clients: [placed('a b', 'earliest > a1 > x1', 'x1 > b2 > x2', 'x1 > a3 b5 > x5')] },
      'b b2 is missing before x5',
    ],
    'one missing that others saw, unacknowledged': [
      {
        publishes: [...PUBLISHES, publish('a6', { acknowledgedMs: undefined })],
        clients: [client('a', 'earliest > a1 a3 a6 > x'), client('a', 'earliest > a1 a3 > x')],
      },
      'a a6 never came',
    ],
    'one acknowledged that no log has': [
      { logs: LOG, publishes: [...PUBLISHES, publish('a6')] },
      'a a6 was acknowledged and is in no log',
    ],
    'one missing that expires later': [
      {
        logs: LOG,
        publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, expiresMs: 500 } : one)),
        clients: [placed('a b', 'earliest > a1 b2 b5 > x5 @499')],
      },
      'a a3 is missing before x5',
    ],
    'one missing that no newer one of its key replaces': [
      {
        logs: LOG,
        publishes: PUBLISHES.map((one) => ({ ...one, key: 'k' })),
        clients: [placed('a b', 'earliest > b5 > x5')],
      },
      'a a3 is missing before x5',
    ],
    'one missing whose key differs from that of the newer one': [
      {
        logs: LOG,
        publishes: PUBLISHES.map((one) => ({ ...one, key: one.id })),
        clients: [placed('a', 'earliest > a3 > x5')],
      },
      'a a1 is missing before x5',
    ],
    'more missing notifications than the gap explains': [
      { logs: TRIMMED, clients: [placed('a b', 'earliest > > x0 @5', 'x0 > b5 > x5 expired')] },
      'a a3 is missing before x5',
    ],
    'one missing after a reset': [
      { logs: WIPED, clients: [placed('a b', 'earliest > a1 b2 > x2', 'x2 > > y5 reset')] },
      'b b5 is missing before y5',
    ],
    'one missing after a gap that may be': [
      {
        gapsMayBe: true,
        clients: [ALL, client('a b', 'earliest > a1 > x @12', 'x > > y expired @15', 'y > a3 b5 > z')],
      },
      'b b2 is missing before z',
    ],
    'a missing notification of a topic that is granted again': [
      { logs: LOG, clients: [withRights(placed('a b', 'earliest > a1 > x1', 'x1 > b2 a3 > x5'), '-b@15', '+b@18')] },
      'b b5 is missing before x5',
    ],
    'a missing notification of a stream that continues without a topic that is granted again': [
      {
        logs: LOG,
        clients: [withRights(placed('a b', 'earliest > a1 b2 > x2', 'x2 > a3 > x5 @45-90'), '-b@30', '+b@40')],
      },
      'b b5 is missing before x5',
    ],
  },
  doubled: {
    'one twice on a page': [{ clients: [client('a', 'earliest > a1 a3 a3 > x')] }, 'a a3 came again'],
    'one twice, later': [{ clients: [client('a', 'earliest > a1 > x', 'x > a1 a3 > y')] }, 'a a1 came again'],
    'one twice after an expired gap': [
      { gapsMayBe: true, clients: [client('a', 'earliest > a1 > x', 'x > a1 a3 > y expired')] },
      'a a1 came again',
    ],
    'one twice, with places': [
      { logs: LOG, clients: [placed('a', 'earliest > a1 > x1', 'x1 > a1 a3 > x5')] },
      'a a1 came again',
    ],
    'a repeated notification on a new chain': [
      { clients: [client('a', 'earliest > a1 > x', 'x > a3 > y', 'x > a1 a3 > z')] },
      'a a1 came again',
    ],
  },
  'out of order': {
    'two exchanged': [
      { clients: [client('a', 'earliest > a3 a1 > x')] },
      'a a1, acknowledged before a3 was called, came after it',
    ],
    'two notifications of different topics in the wrong order': [
      { clients: [client('a b', 'earliest > b2 a1 a3 b5 > x')] },
      'a a1, acknowledged before b2 was called, came after it',
    ],
    'two exchanged on different pages': [
      { clients: [client('a', 'earliest > a3 > x', 'x > a1 > y')] },
      'a a1, acknowledged before a3 was called, came after it',
    ],
    'two exchanged of a known log': [
      { logs: LOG, clients: [client('a b', 'earliest > b2 a1 a3 b5 > x')] },
      'a a1 came after b2',
    ],
    'two orders for two clients': [
      {
        publishes: ['a1', 'a2', 'a3'].map((id) => publish(id, { acknowledgedMs: 99 })),
        clients: [client('a', 'earliest > a1 a2 a3 > x'), client('a', 'earliest > a1 a3 a2 > x')],
      },
      'a a2 came after a3',
    ],
  },
  phantom: {
    'one that is made up': [{ clients: [client('a', 'earliest > a1 a3 a9 > x')] }, 'a a9 was never published'],
    'one under another topic': [
      {
        publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, topic: 'd' } : one)),
        clients: [client('a', 'earliest > a1 a3 > x')],
      },
      'a a3 was never published',
    ],
    'one that no log has': [
      {
        publishes: [...PUBLISHES, publish('a6', { acknowledgedMs: undefined })],
        logs: LOG,
        clients: [client('a', 'earliest > a1 a3 a6 > x')],
      },
      'a a6 is not in the log',
    ],
    'one before it was published': [
      { clients: [client('a', 'earliest > a1 a3 > x @20')] },
      'a a3 came before it was published',
    ],
  },
  foreign: {
    'one of another topic': [{ clients: [client('a', 'earliest > a1 a3 c4 > x')] }, 'c c4 was not asked for'],
    'one of a topic no longer asked for': [
      { clients: [client('a b', 'earliest > a1 b2 > x', '[a] x > a3 b5 > y')] },
      'b b5 was not asked for',
    ],
    'one not allowed any more': [
      { clients: [withRights(client('a b', 'earliest > a1 b2 a3 b5 > x'), '-b@40')] },
      'b b5 is not allowed',
    ],
    'one that never was allowed': [
      { clients: [unfinished(withRights(client('a b', 'earliest > a1 b2 > x'), '-b@0'))] },
      'b b2 is not allowed',
    ],
    'one allowed only later': [
      { clients: [unfinished(withRights(client('a b', 'earliest > a1 b2 a3 > x @100'), '-b@15', '+b@200'))] },
      'b b2 is not allowed',
    ],
  },
  expired: {
    'one after its expiry': [
      {
        publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, expiresMs: 500 } : one)),
        clients: [client('a', 'earliest > a1 a3 > x @511 sent@500')],
      },
      'a a3 was sent at 500, and expired at 500',
    ],
  },
  replaced: {
    'two of one key on one page': [
      {
        publishes: PUBLISHES.map((one) => ({ ...one, key: 'k' })),
        clients: [client('a', 'earliest > a1 a3 > x')],
      },
      'a a1 came with a3',
    ],
  },
  late: {
    'one that came late': [
      { lateMs: 20, clients: [unfinished(client('a', 'earliest > a1 > x @0-50'))] },
      'a a1 came 15 ms late',
    ],
    'one that a page should have had': [
      { lateMs: 20, clients: [client('a', 'earliest > > x @0-40', 'x > a1 a3 > y @41')] },
      'a a1 has not come by 40',
    ],
    'a waiting client that misses notifications': [
      { lateMs: 20, clients: [ALL, unfinished(client('a', 'latest > > x @0-5', 'x > ? > - @6-80'))] },
      'a a1 has not come by 80',
      'a a3 has not come by 80',
    ],
    'a late delivery after a fault has ended': [
      { lateMs: 20, publishes: [publish('a1')], clients: [client('a', 'earliest > a1 > x @0-530 quiet@500')] },
      'a a1 came 10 ms late',
    ],
    'a cursor that does not move': [
      { lateMs: 20, logs: LOG, clients: [placed('d', 'earliest > > x0')] },
      'x0 stays behind a1',
    ],
  },
  'went back': {
    'a cursor before the previous one': [
      { logs: LOG, clients: [placed('d', 'earliest > > x5', 'x5 > > x2')] },
      'to 2 from 5',
    ],
    'a cursor behind what came with it': [
      { logs: LOG, clients: [unfinished(placed('a', 'earliest > a1 a3 > x2'))] },
      'x2 stands before a3, which came with it',
    ],
    'a cursor that was given before': [
      { clients: [client('a', 'earliest > > x', 'x > a1 > y', 'y > a3 > x')] },
      'x was given 2 notifications before',
    ],
    'a cursor that does not cover the notifications of its page': [
      { clients: [client('a', 'earliest > a1 > x', 'x > a3 > x')] },
      'x was given 1 notifications before',
    ],
  },
  'silent gap': {
    'another log without a gap': [
      { logs: WIPED, clients: [placed('a b', 'earliest > a1 b2 > x2', 'x2 > b5 > y5')] },
      'x2 was of another log than y5',
    ],
    'another log without notifications or a gap': [
      { logs: WIPED, clients: [placed('d', 'earliest > > x2', 'x2 > > y5')] },
      'x2 was of another log than y5',
    ],
    'a notification that retention removed': [
      { logs: TRIMMED, clients: [placed('a', 'earliest > > x0 @5', 'x0 > a3 > x5')] },
      'a a1 is missing before x5',
    ],
    'a notification that retention removed behind a later cursor': [
      { logs: TRIMMED, clients: [placed('a b', 'earliest > a1 > x1 @15', 'x1 > a3 b5 > x5')] },
      'b b2 is missing before x5',
    ],
    'the wrong gap reason for another log': [
      { logs: WIPED, clients: [placed('a b', 'earliest > a1 b2 > x2', 'x2 > b5 > y5 expired')] },
      'x2 was of another log than y5',
    ],
  },
  'groundless gap': {
    'one without a reason': [{ clients: [client('a', 'earliest > a1 > x', 'x > a3 > y expired')] }, 'expired before y'],
    'a reset of the same log': [
      { logs: LOG, clients: [placed('a', 'earliest > a1 > x1', 'x1 > a1 a3 > x5 reset')] },
      'reset before x5',
    ],
    'an expiry when nothing was removed': [
      { logs: LOG, clients: [placed('a', 'earliest > a1 > x1', 'x1 > a3 > x5 expired')] },
      'expired before x5',
    ],
    'an expiry of what had been read': [
      { logs: TRIMMED, clients: [placed('a b', 'earliest > a1 b2 > x2 @30', 'x2 > a3 b5 > x5 expired')] },
      'expired before x5',
    ],
  },
};

describe.each(Object.entries(BAD))('the checker finds what is %s:', (kind, examples) => {
  test.each(Object.entries(examples))('%s', (_, [example, ...problems]) => {
    expect(found(example)).toEqual(problems.map((problem) => `${kind}: ${problem}`));
  });
});
