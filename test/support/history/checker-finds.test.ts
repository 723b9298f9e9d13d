import { describe, expect, test } from '@jest/globals';
import type { ProblemKind } from './history.js';
import {
  client,
  type Example,
  found,
  LOG,
  logged,
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
    'a notification missing between others': [
      { clients: [ALL, client('a b', 'earliest > a1 a3 b5 > x')] },
      'b b2 is missing before x',
    ],
    'the first notification missing': [
      { clients: [ALL, client('a', 'earliest > a3 > x')] },
      'a a1 is missing before x',
    ],
    'the last notification missing': [{ clients: [ALL, client('b', 'earliest > b2 > x')] }, 'b b5 never came'],
    'all notifications missing': [{ clients: [client('a', 'earliest > > x')] }, 'a a1 never came', 'a a3 never came'],
    'a notification missing between pages': [
      { clients: [ALL, client('a b', 'earliest > a1 > x', 'x > a3 > y', 'y > b5 > z')] },
      'b b2 is missing before z',
    ],
    'a notification missing after a start at the end of the log': [
      { clients: [ALL, client('a b', 'latest > > x @15', 'x > a3 b5 > y')] },
      'b b2 is missing before y',
    ],
    'a notification missing after a given cursor': [
      { clients: [ALL, client('a b', 'given > b5 > x @25-60')] },
      'a a3 never came',
    ],
    'a notification missing in a stream': [
      { clients: [ALL, client('a', 'earliest > > x @0', 'x > a3 > y')] },
      'a a1 is missing before y',
    ],
    'a notification missing from a known log': [
      { logs: LOG, clients: [client('a b', 'earliest > a1 a3 b5 > x')] },
      'b b2 is missing before x',
    ],
    'a missing notification before the last cursor': [
      { logs: LOG, clients: [unfinished(placed('a b', 'earliest > a1 > x2'))] },
      'b b2 is missing before x2',
    ],
    'a notification missing after an empty page': [
      { logs: LOG, clients: [placed('a b', 'earliest > a1 > x1', 'x1 > > x2', 'x2 > a3 b5 > x5')] },
      'b b2 is missing before x2',
    ],
    'a notification missing after an old cursor': [
      { logs: LOG, clients: [placed('a b', 'earliest > a1 > x1', 'x1 > b2 > x2', 'x1 > a3 b5 > x5')] },
      'b b2 is missing before x5',
    ],
    'a missing notification without acknowledgement that others received': [
      {
        publishes: [...PUBLISHES, publish('a6', { acknowledgedMs: undefined })],
        clients: [client('a', 'earliest > a1 a3 a6 > x'), client('a', 'earliest > a1 a3 > x')],
      },
      'a a6 never came',
    ],
    'an acknowledged notification that no log has': [
      { logs: LOG, publishes: [...PUBLISHES, publish('a6')] },
      'a a6 was acknowledged and is in no log',
    ],
    'a missing notification that expires later': [
      {
        logs: LOG,
        publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, expiresMs: 500 } : one)),
        clients: [placed('a b', 'earliest > a1 b2 b5 > x5 @499')],
      },
      'a a3 is missing before x5',
    ],
    'a missing notification that is retracted later': [
      {
        logs: LOG,
        publishes: PUBLISHES.map((one) => (one.id === 'b2' ? { ...one, retractedBy: 'b5' } : one)),
        clients: [unfinished(placed('a b', 'earliest > a1 > x2 @49'))],
      },
      'b b2 is missing before x2',
    ],
    'a missing notification that its log does not retract': [
      {
        logs: LOG,
        publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, retractedBy: 'a9' } : one)),
        clients: [placed('a b', 'earliest > a1 b2 b5 > x5')],
      },
      'a a3 is missing before x5',
    ],
    'a missing notification that no newer one of its topic and key replaces': [
      {
        logs: LOG,
        publishes: PUBLISHES.map((one) => ({ ...one, key: 'k' })),
        clients: [placed('a b', 'earliest > b5 > x5')],
      },
      'a a3 is missing before x5',
    ],
    'a missing notification whose key differs from the newer one’s': [
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
    'a notification missing after a reset': [
      { logs: WIPED, clients: [placed('a b', 'earliest > a1 b2 > x2', 'x2 > > y5 reset')] },
      'b b5 is missing before y5',
    ],
    'a notification missing after a gap that may have a reason': [
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
    'a notification twice on a page': [{ clients: [client('a', 'earliest > a1 a3 a3 > x')] }, 'a a3 came again'],
    'a notification twice on two pages': [
      { clients: [client('a', 'earliest > a1 > x', 'x > a1 a3 > y')] },
      'a a1 came again',
    ],
    'a notification twice after an expired gap': [
      { gapsMayBe: true, clients: [client('a', 'earliest > a1 > x', 'x > a1 a3 > y expired')] },
      'a a1 came again',
    ],
    'a notification twice, with known positions': [
      { logs: LOG, clients: [placed('a', 'earliest > a1 > x1', 'x1 > a1 a3 > x5')] },
      'a a1 came again',
    ],
    'a repeated notification on a new chain': [
      { clients: [client('a', 'earliest > a1 > x', 'x > a3 > y', 'x > a1 a3 > z')] },
      'a a1 came again',
    ],
  },
  'out of order': {
    'two notifications in the wrong order': [
      { clients: [client('a', 'earliest > a3 a1 > x')] },
      'a a1, acknowledged before a3 was called, came after it',
    ],
    'two notifications of different topics in the wrong order': [
      { clients: [client('a b', 'earliest > b2 a1 a3 b5 > x')] },
      'a a1, acknowledged before b2 was called, came after it',
    ],
    'two notifications on different pages in the wrong order': [
      { clients: [client('a', 'earliest > a3 > x', 'x > a1 > y')] },
      'a a1, acknowledged before a3 was called, came after it',
    ],
    'two notifications of a known log in the wrong order': [
      { logs: LOG, clients: [client('a b', 'earliest > b2 a1 a3 b5 > x')] },
      'a a1 came after b2',
    ],
    'different orders for two clients': [
      {
        publishes: ['a1', 'a2', 'a3'].map((id) => publish(id, { acknowledgedMs: 99 })),
        clients: [client('a', 'earliest > a1 a2 a3 > x'), client('a', 'earliest > a1 a3 a2 > x')],
      },
      'a a2 came after a3',
    ],
  },
  phantom: {
    'an unpublished notification': [{ clients: [client('a', 'earliest > a1 a3 a9 > x')] }, 'a a9 was never published'],
    'a notification with another topic': [
      {
        publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, topic: 'd' } : one)),
        clients: [client('a', 'earliest > a1 a3 > x')],
      },
      'a a3 was never published',
    ],
    'a notification that no log has': [
      {
        publishes: [...PUBLISHES, publish('a6', { acknowledgedMs: undefined })],
        logs: LOG,
        clients: [client('a', 'earliest > a1 a3 a6 > x')],
      },
      'a a6 is not in the log',
    ],
    'a notification before its publish': [
      { clients: [client('a', 'earliest > a1 a3 > x @20')] },
      'a a3 came before it was published',
    ],
  },
  foreign: {
    'a notification of another topic': [
      { clients: [client('a', 'earliest > a1 a3 c4 > x')] },
      'c c4 was not asked for',
    ],
    'a notification of a topic that is no longer requested': [
      { clients: [client('a b', 'earliest > a1 b2 > x', '[a] x > a3 b5 > y')] },
      'b b5 was not asked for',
    ],
    'a notification after its topic was revoked': [
      { clients: [withRights(client('a b', 'earliest > a1 b2 a3 b5 > x'), '-b@40')] },
      'b b5 is not allowed',
    ],
    'a notification of a topic that was never allowed': [
      { clients: [unfinished(withRights(client('a b', 'earliest > a1 b2 > x'), '-b@0'))] },
      'b b2 is not allowed',
    ],
    'a notification of a topic that is allowed only later': [
      { clients: [unfinished(withRights(client('a b', 'earliest > a1 b2 a3 > x @100'), '-b@15', '+b@200'))] },
      'b b2 is not allowed',
    ],
  },
  expired: {
    'a notification after its expiry': [
      {
        publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, expiresMs: 500 } : one)),
        clients: [client('a', 'earliest > a1 a3 > x @511 sent@500')],
      },
      'a a3 was sent at 500, and expired at 500',
    ],
  },
  erased: {
    'a notification long after its topic was erased': [
      {
        logs: new Map([['x', logged().map((one) => (one.id === 'a3' ? { ...one, removedMs: 400 } : one))]]),
        lateMs: 100,
        clients: [placed('a', 'earliest > a1 a3 > x5 @450-511 sent@501')],
      },
      'a a3 was sent at 501, erased at 400',
    ],
  },
  replaced: {
    'two notifications of one key on one page': [
      {
        publishes: PUBLISHES.map((one) => ({ ...one, key: 'k' })),
        clients: [client('a', 'earliest > a1 a3 > x')],
      },
      'a a1 came with a3',
    ],
  },
  late: {
    'a late notification': [
      { lateMs: 20, clients: [unfinished(client('a', 'earliest > a1 > x @0-50'))] },
      'a a1 came 15 ms late',
    ],
    'a page lacks a notification, which arrives late': [
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
    'a cursor before a notification on its page': [
      { logs: LOG, clients: [unfinished(placed('a', 'earliest > a1 a3 > x2'))] },
      'x2 stands before a3, which came with it',
    ],
    'a repeated cursor': [
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
    'a notification that retention removed after a later cursor': [
      { logs: TRIMMED, clients: [placed('a b', 'earliest > a1 > x1 @15', 'x1 > a3 b5 > x5')] },
      'b b2 is missing before x5',
    ],
    'the wrong gap reason for another log': [
      { logs: WIPED, clients: [placed('a b', 'earliest > a1 b2 > x2', 'x2 > b5 > y5 expired')] },
      'x2 was of another log than y5',
    ],
  },
  'groundless gap': {
    'a gap without a reason': [
      { clients: [client('a', 'earliest > a1 > x', 'x > a3 > y expired')] },
      'expired before y',
    ],
    'a reset of the same log': [
      { logs: LOG, clients: [placed('a', 'earliest > a1 > x1', 'x1 > a1 a3 > x5 reset')] },
      'reset before x5',
    ],
    'an expired gap when nothing was removed': [
      { logs: LOG, clients: [placed('a', 'earliest > a1 > x1', 'x1 > a3 > x5 expired')] },
      'expired before x5',
    ],
    'an expired gap for notifications that were read': [
      { logs: TRIMMED, clients: [placed('a b', 'earliest > a1 b2 > x2 @30', 'x2 > a3 b5 > x5 expired')] },
      'expired before x5',
    ],
  },
};

describe.each(Object.entries(BAD))('the checker reports %s:', (kind, examples) => {
  test.each(Object.entries(examples))('%s', (_, [example, ...problems]) => {
    expect(found(example)).toEqual(problems.map((problem) => `${kind}: ${problem}`));
  });
});
