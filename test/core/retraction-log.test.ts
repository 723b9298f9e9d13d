import { describe, expect, test } from '@jest/globals';
import { RECORD_BYTES_MAX, RECORDS_MAX } from '../../src/core/records.js';
import { retractionDrafts } from '../../src/core/retraction.js';
import { RetractionLog } from '../../src/core/retraction-log.js';
import { RetractionSet, SHARES } from '../../src/core/retraction-set.js';
import type { Store } from '../../src/core/store.js';
import type { MemoryStoreOptions } from '../../src/stores/memory/memory-store.js';
import { ManualClock } from '../../src/testing/index.js';
import { drafts } from '../support/drafts.js';
import { openMemoryStore } from '../support/memory.js';

const TIME = new Date(0);
const TOPIC_RETRACTIONS_MAX = RECORDS_MAX * SHARES.topic;
const entry = (id: string, position: number, topic = 'orders') => ({ id, topic, position });

function countUntilFull(set: RetractionSet, idOf: (at: number) => string): number {
  let count = 0;
  while (!set.isFull) set.add({ id: idOf(count), topic: `t${count % 100}` }, ++count);
  return count;
}

describe('a set of retractions', () => {
  test('concerns only earlier entries with the same topic and id', () => {
    const set = new RetractionSet();
    set.add({ id: 'a', topic: 'orders' }, 10);
    expect(set.retractedAt(entry('a', 9))).toBe(10);
    expect(set.retractedAt(entry('a', 9), 9)).toBe(0);
    expect(set.retractedAt(entry('a', 10))).toBe(0);
    expect(set.retractedAt(entry('b', 9))).toBe(0);
    expect(set.retractedAt(entry('a', 9, 'other'))).toBe(0);
  });

  test('keeps the newest retraction of an id, in any order of the calls', () => {
    const set = new RetractionSet();
    for (const position of [10, 30, 20]) set.add({ id: 'a', topic: 'orders' }, position);
    expect(set.count).toBe(1);
    expect([29, 30].map((position) => set.retractedAt(entry('a', position)))).toEqual([30, 0]);
    set.trim(20);
    expect(set.retractedAt(entry('a', 29))).toBe(30);
    set.trim(30);
    expect([set.count, set.retractedAt(entry('a', 5))]).toEqual([0, 0]);
  });

  test('drops retractions of trimmed and lost entries', () => {
    const set = new RetractionSet();
    for (const at of [1, 2, 3, 4]) set.add({ id: `n${at}`, topic: `t${at}` }, at * 10);
    set.trim(10);
    set.cut(30);
    const covered = [1, 2, 3, 4].filter((at) => set.retractedAt(entry(`n${at}`, 1, `t${at}`)) > 0);
    expect([covered, set.count]).toEqual([[2, 3], 2]);
    set.trim(30);
    expect(set.count).toBe(0);
  });

  test('counts a repeated retraction once', () => {
    const set = new RetractionSet();
    const retraction = { id: 'a'.repeat(200), topic: 'orders' };
    const repeats = Math.ceil(RECORD_BYTES_MAX / retraction.id.length);
    for (let at = 1; at <= repeats; at++) set.add(retraction, at);
    expect([set.count, set.isFull]).toEqual([1, false]);
    set.trim(repeats);
    expect(set.count).toBe(0);
  });

  test('has a bound for one caller, which leaves room for other callers', () => {
    const set = new RetractionSet();
    for (let at = 0; at < RECORDS_MAX * SHARES.caller; at++)
      set.add({ id: `${at}`, topic: 'orders', by: 'ann' }, at + 1);
    const roomFor = (by?: string): boolean => set.hasRoomFor({ id: 'a', topic: 'orders', by });
    expect(['ann', 'bob', undefined].map(roomFor)).toEqual([false, true, true]);
    set.trim(1);
    expect(roomFor('ann')).toBe(true);
  });

  test('has a bound for all callers, which leaves room for the application', () => {
    const set = new RetractionSet();
    const added = RECORDS_MAX * SHARES.callers;
    for (let at = 0; at < added; at++) set.add({ id: `${at}`, topic: `t${at % 100}`, by: `c${at % 100}` }, at + 1);
    expect(set.hasRoomFor({ id: 'a', topic: 'orders', by: 'ann' })).toBe(false);
    expect(set.hasRoomFor({ id: 'a', topic: 'orders' })).toBe(true);
  });

  test('has a bound for all callers on one topic, which leaves room for the application', () => {
    const set = new RetractionSet();
    const added = RECORDS_MAX * SHARES.callersOnTopic;
    for (let at = 0; at < added; at++) set.add({ id: `${at}`, topic: 'orders', by: `c${at % 100}` }, at + 1);
    expect(set.hasRoomFor({ id: 'a', topic: 'orders', by: 'ann' })).toBe(false);
    expect(set.hasRoomFor({ id: 'a', topic: 'orders' })).toBe(true);
    expect(set.hasRoomFor({ id: 'a', topic: 'other', by: 'ann' })).toBe(true);
  });

  test('counts a retraction towards its last caller only', () => {
    const set = new RetractionSet();
    const added = RECORDS_MAX * SHARES.caller;
    for (let at = 0; at < added; at++) set.add({ id: `${at}`, topic: 'orders', by: 'ann' }, at + 1);
    set.add({ id: '0', topic: 'orders', by: 'bob' }, added + 1);
    expect(set.hasRoomFor({ id: 'a', topic: 'orders', by: 'ann' })).toBe(true);
  });

  test('is full at its count, and at its bytes', () => {
    const byCount = new RetractionSet();
    const counted = countUntilFull(byCount, (at) => `${at}`);
    expect(counted).toBe(RECORDS_MAX);
    const byBytes = new RetractionSet();
    const count = countUntilFull(byBytes, (at) => `${at}`.padStart(200, '0'));
    expect(count).toBeGreaterThan(RECORD_BYTES_MAX / 500);
    expect(count).toBeLessThan(RECORD_BYTES_MAX / 350);
  });
});

describe('the retractions of a log', () => {
  async function open(options: MemoryStoreOptions = {}) {
    const store = await openMemoryStore(options, new ManualClock());
    return { store, ...(await RetractionLog.open(store)) };
  }

  test('have a bound for one topic, so that other topics have room', async () => {
    const { store, retractions } = await open();
    for (let at = 0; at < TOPIC_RETRACTIONS_MAX; at++) retractions.add({ id: `x${at}`, topic: 'orders' }, 1_000 + at);
    await expect(retractions.append({ id: 'a', topic: 'orders' }, TIME)).rejects.toMatchObject({
      code: 'retractions_too_many',
    });
    expect((await store.read({ topics: ['orders'], after: 0, limit: 1, bytesMax: 1 })).head).toBe(0);
    await expect(retractions.append({ id: 'a', topic: 'other' }, TIME)).resolves.toMatchObject({ position: 2 });
  });

  test('have room again when retention has removed the oldest ones', async () => {
    const { store, retractions } = await open({ retainCount: 1 });
    await store.append(drafts(10));
    for (let at = 0; at < TOPIC_RETRACTIONS_MAX; at++) retractions.add({ id: `x${at}`, topic: 'orders' }, 9 + at);
    await expect(retractions.append({ id: 'a', topic: 'orders' }, TIME)).resolves.toMatchObject({ position: 12 });
  });

  test('of other nodes above the bound cause a check for retractions that retention has removed', async () => {
    const { store, retractions } = await open({ retainCount: 1 });
    await store.append(drafts(RECORDS_MAX / 1_000));
    for (let at = 0; at <= RECORDS_MAX; at++) retractions.add({ id: `${at}`, topic: `t${at % 100}` }, 1 + at / 1_000);
    await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    expect(retractions.retractedAt(entry('0', 0.5, 't0'))).toBe(0);
  });

  test('are loaded at the start, also if they take several pages', async () => {
    const { store } = await open();
    for (let at = 0; at < 1_001; at++) {
      await store.append(await retractionDrafts({ id: `${at}`, topic: 'orders' }, TIME));
    }
    const { retractions } = await RetractionLog.open(store);
    const covered = ['0', '999', '1000'].map((id) => retractions.retractedAt(entry(id, 0.5)));
    expect(covered.every((position) => position > 0)).toBe(true);
  });

  test('are loaded again if the tail was interrupted during the load', async () => {
    const { store } = await open();
    let onRead = async (): Promise<void> => undefined;
    const { retractions } = await RetractionLog.open({
      append: (given) => store.append(given),
      read: async (query) => {
        const read = await store.read(query);
        await onRead();
        return read;
      },
      tail: (after, onAppended) => store.tail(after, onAppended),
      remove: (query) => store.remove(query),
      close: () => store.close(),
    });
    onRead = async () => {
      onRead = () => Promise.resolve();
      await store.append(await retractionDrafts({ id: 'late', topic: 'orders' }, TIME));
      retractions.interrupted();
    };
    retractions.interrupted();
    await retractions.whenComplete();
    expect(retractions.retractedAt(entry('late', 0.5))).toBeGreaterThan(0);
  });

  test('are appended again if the id was published again after the first one', async () => {
    const { store } = await open();
    const again = [{ id: 'a', topic: 'orders', json: '{}' }];
    const positionsOf = async (): Promise<readonly number[]> => {
      const { appended } = await store.append(again);
      return appended.map(({ position }) => position);
    };
    const { retractions } = await RetractionLog.open({
      append: (given) => store.append(given),
      read: (query) => store.read(query),
      tail: (after, onAppended) => store.tail(after, onAppended),
      remove: (query) => store.remove(query),
      close: () => store.close(),
      positionsOf,
    } as Store);
    const first = await retractions.append({ id: 'a', topic: 'orders' }, TIME);
    const [published = 0] = await positionsOf();
    const second = await retractions.append({ id: 'a', topic: 'orders' }, TIME);
    expect(published).toBeGreaterThan(first.position);
    expect(second.position).toBeGreaterThan(published);
  });

  test('are appended once by a driver without a lookup', async () => {
    const { store } = await open();
    const { retractions } = await RetractionLog.open({
      append: (given) => store.append(given),
      read: (query) => store.read(query),
      tail: (after, onAppended) => store.tail(after, onAppended),
      remove: (query) => store.remove(query),
      close: () => store.close(),
    });
    const first = await retractions.append({ id: 'a', topic: 'orders' }, TIME);
    expect(await retractions.append({ id: 'a', topic: 'orders' }, TIME)).toMatchObject({ position: first.position });
  });
});
