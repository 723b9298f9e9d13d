import { expect, test } from '@jest/globals';
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

/** Correct histories. examples.ts explains the notation. */
const GOOD: Record<string, Example> = {
  'an empty history': { publishes: [] },
  'everything once and in order': { clients: [ALL] },
  'an empty answer for a topic without notifications': { clients: [client('d', 'earliest > > x')] },
  'several pages': { clients: [client('a b', 'earliest > a1 > x', 'x > b2 a3 > y', 'y > b5 > z')] },
  'several pages, with positions': {
    logs: LOG,
    clients: [placed('a b', 'earliest > a1 > x1', 'x1 > b2 a3 > x3', 'x3 > b5 > x5')],
  },
  'a client that began at the end, and received nothing': { clients: [ALL, client('a b', 'latest > > x')] },
  'a client that began at the end': { clients: [ALL, client('a b', 'latest > b5 > x @31-60')] },
  'a client that was given its first cursor': { clients: [ALL, client('a b', 'given > a3 b5 > x @21-60')] },
  'a client that has not read to the end': { clients: [ALL, unfinished(client('a b', 'earliest > a1 > x'))] },
  'two clients of different topics': {
    clients: [client('a', 'earliest > a1 a3 > x'), client('b c', 'earliest > b2 c4 b5 > y')],
  },
  'a repeated read with an old cursor': {
    clients: [client('a b', 'earliest > a1 b2 > x', 'x > a3 > y', 'x > a3 b5 > z')],
  },
  'a repeated read from the beginning': {
    logs: LOG,
    clients: [placed('a b', 'earliest > a1 b2 > x2', 'earliest > a1 b2 a3 > x3', 'x3 > b5 > x5')],
  },
  'a stream opened again with an old cursor': {
    clients: [client('a', 'earliest > a1 > x', 'x > a3 > y', 'x > a3 > z')],
  },
  'repeats with the same id, acknowledged late': {
    publishes: PUBLISHES.map((one) => ({ ...one, acknowledgedMs: 900 })),
    clients: [ALL],
  },
  'a delivered notification without acknowledgement': {
    publishes: [...PUBLISHES, publish('a6', { acknowledgedMs: undefined })],
    clients: [client('a', 'earliest > a1 a3 a6 > x')],
  },
  'a missing notification without acknowledgement': {
    publishes: [...PUBLISHES, publish('a6', { acknowledgedMs: undefined })],
    clients: [client('a', 'earliest > a1 a3 > x')],
  },
  'a missing notification without acknowledgement, in a known log': {
    publishes: [...PUBLISHES, publish('a6', { acknowledgedMs: undefined })],
    logs: LOG,
    clients: [client('a', 'earliest > a1 a3 > x')],
  },
  'publishes at the same time in either order': {
    publishes: ['a1', 'a2'].map((id) => publish(id, { acknowledgedMs: 40 })),
    clients: [client('a', 'earliest > a2 a1 > x')],
  },
  'a client that adds a topic': { clients: [client('a', 'earliest > a1 > x', '[a b] x > b2 a3 b5 > y')] },
  'a client that removes a topic': { clients: [ALL, client('a', '[a b] earliest > a1 b2 > x', 'x > a3 > y')] },
  'a client that changes its topics, with positions': {
    logs: LOG,
    clients: [placed('b', '[a b] earliest > a1 b2 > x2', '[a] x2 > a3 > x4', 'x4 > b5 > x5')],
  },
  'a gap that may have a reason': {
    gapsMayBe: true,
    clients: [ALL, client('a b', 'earliest > a1 > x', 'x > a3 b5 > y expired')],
  },
  'a gap and nothing after it': {
    gapsMayBe: true,
    clients: [ALL, client('a b', 'earliest > a1 > x', 'x > > y reset')],
  },
  'a repeated delivery after a reset': {
    gapsMayBe: true,
    clients: [client('a b', 'earliest > a1 b2 > x', 'x > a1 b2 a3 b5 > y reset')],
  },
  'a gap because of retention': {
    logs: TRIMMED,
    clients: [placed('a b', 'earliest > > x0 @5', 'x0 > a3 b5 > x5 expired')],
  },
  'a gap because of notifications of other topics': {
    logs: TRIMMED,
    clients: [placed('c', 'earliest > > x1 @15', 'x1 > c4 > x5 expired')],
  },
  'a beginning that retention has removed': { logs: TRIMMED, clients: [placed('a b', 'earliest > a3 b5 > x5')] },
  'a gap after the log was wiped': {
    logs: WIPED,
    clients: [placed('a b', 'earliest > a1 b2 > x2', 'x2 > b5 > y5 reset')],
  },
  'a delivery in time': {
    lateMs: 20,
    clients: [client('a', 'earliest > a1 > x @0-35', 'x > > y @36', 'y > a3 > z @37-50')],
  },
  'a late delivery because of a fault': {
    lateMs: 20,
    publishes: [publish('a1')],
    clients: [client('a', 'earliest > a1 > x @0-510 quiet@500')],
  },
  'a late delivery because the request was late': { lateMs: 20, clients: [ALL] },
  'a waiting client without new notifications': {
    lateMs: 20,
    clients: [client('a b', 'earliest > a1 b2 a3 b5 > x @52-60', 'x > ? > - @61-900')],
  },
  'a waiting client whose notification was removed by retention': {
    lateMs: 20,
    publishes: [publish('a1'), publish('b2')],
    logs: new Map([['x', logged('a1 b2', 'a1')]]),
    clients: [unfinished(placed('a', 'earliest > > x0 @5', 'x0 > ? > - @501-900'))],
  },
  'a waiting client whose notification is not late yet': {
    lateMs: 20,
    clients: [unfinished(client('a b', 'earliest > a1 b2 a3 > x @32-40', 'x > ? > - @41-60'))],
  },
  'a client that misses notifications of a revoked topic': {
    logs: LOG,
    clients: [withRights(placed('a b', 'earliest > a1 b2 > x2', 'x2 > a3 > x5'), '-b@40')],
  },
  'a client that receives notifications from before a revocation': {
    clients: [withRights(client('a b', 'earliest > a1 b2 > x @60', 'x > a3 > y'), '-b@40')],
  },
  'a client that regains a topic': {
    logs: LOG,
    clients: [withRights(placed('a b', 'earliest > a1 > x1', 'x1 > b2 a3 b5 > x5'), '-b@15', '+b@18')],
  },
  'a missing notification that has expired': {
    logs: LOG,
    publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, expiresMs: 500 } : one)),
    clients: [placed('a b', 'earliest > a1 b2 b5 > x5 @501')],
  },
  'a missing last notification that has expired': {
    logs: LOG,
    publishes: PUBLISHES.map((one) => (one.id === 'b5' ? { ...one, expiresMs: 500 } : one)),
    clients: [placed('a b', 'earliest > a1 b2 a3 > x3 @501')],
  },
  'a notification that arrived before it expired': {
    publishes: PUBLISHES.map((one) => (one.id === 'a3' ? { ...one, expiresMs: 500 } : one)),
    clients: [client('a', 'earliest > a1 a3 > x @510 sent@499')],
  },
  'a missing notification that a newer one of its key replaces': {
    logs: LOG,
    publishes: PUBLISHES.map((one) => (one.topic === 'b' ? { ...one, key: 'k' } : one)),
    clients: [placed('a b', 'earliest > a1 a3 > x3', 'x3 > b5 > x5')],
  },
  'two notifications of one key on two pages': {
    publishes: PUBLISHES.map((one) => ({ ...one, key: 'k' })),
    clients: [client('a', 'earliest > a1 > x', 'x > a3 > y')],
  },
  'two notifications of one key and two topics on one page': {
    publishes: PUBLISHES.map((one) => ({ ...one, key: 'k' })),
    clients: [client('a b', 'earliest > a3 b5 > x')],
    logs: LOG,
  },
  'a waiting client whose notification has expired': {
    lateMs: 20,
    publishes: [publish('a1', { expiresMs: 100 })],
    clients: [unfinished(client('a', 'latest > > x @0-5', 'x > ? > - @6-900'))],
  },
};

test.each(Object.entries(GOOD))('the checker passes %s', (_, example) => {
  expect(found(example)).toEqual([]);
});
