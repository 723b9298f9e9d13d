import { randomUUID } from 'node:crypto';
import { expect, jest, test } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import type { LogEntry } from '../../src/core/notification.js';
import type { Store } from '../../src/core/store.js';
import { newCommit, type NewCommit } from '../../src/stores/nats/commit.js';
import { Engine } from '../../src/stores/nats/engine.js';
import { PART_HEADER, subjectOf } from '../../src/stores/nats/layout.js';
import { unavailable } from '../../src/stores/shared/unavailable.js';
import { draft, newDraft } from '../support/drafts.js';
import { describeOnServer, everything, type OnServer, page, STREAM } from '../support/stores/nats.js';
import { idsOf } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

const ERASED = 'user.1';
const ALL = ['orders', ERASED, 'invoices'];
const UP_TO = Number.MAX_SAFE_INTEGER;
/** A killed process loses nothing that the operating system has. */
const LOSSLESS = { syncAlways: true };

/** Stores the first parts of a commit, as a node does that dies before it stores the rest. */
async function storeParts(on: OnServer, topics: readonly string[], count: number): Promise<NewCommit> {
  const { nc, jsm } = await on.nodes.operator();
  const { state, config } = await jsm.streams.info(STREAM);
  const drafts = topics.map((topic, at) => draft(`void-${state.last_seq}-${at}`, { topic }));
  const commit = newCommit(drafts, { commit: randomUUID(), after: state.last_seq, payloadMax: 2 ** 20 });
  for (const { topic, header, body } of commit.parts.slice(0, count)) {
    const head = headers();
    head.set(PART_HEADER, header);
    await nc.request(subjectOf(config.subjects[0]!.slice(0, -2), topic), body, { headers: head, timeout: 2_000 });
  }
  return commit;
}

const remove = async (store: Store) => {
  const { epoch } = await page(store);
  return store.remove({ topic: ERASED, upTo: UP_TO, epochId: epoch.id });
};

const appendOne = async (store: Store, topic: string): Promise<void> => {
  await store.append([newDraft(topic)]);
};

async function tailOf(on: OnServer, store: Store): Promise<{ entries: LogEntry[]; isWhole: boolean }> {
  const { batches, entries, tail } = await on.nodes.follow(store, 0);
  const { head } = await page(store);
  await until(() => (batches.at(-1)?.head ?? 0) >= head);
  await tail.close();
  return { entries, isWhole: batches.every(({ after }, at) => after === (batches[at - 1]?.head ?? 0)) };
}

describeOnServer(
  'a removal from the nats store',
  (on) => {
    test('makes no part of an unfinished commit visible', async () => {
      const store = await on.nodes.open();
      await appendOne(store, 'orders');
      for (const [topics, stored, next] of [
        [['orders', 'invoices'], 1, [ERASED]],
        [['orders', 'invoices', 'orders.x', 'invoices.x'], 2, [ERASED, 'orders']],
        [['orders', 'invoices', 'orders.x', 'invoices.x'], 1, [ERASED, ERASED, ERASED]],
        [[ERASED, 'orders', 'invoices'], 2, [ERASED]],
        [['orders', ERASED, 'invoices'], 2, ['orders', ERASED]],
        [['orders', 'invoices'], 1, []],
        [['orders', ERASED, 'invoices'], 2, ['orders']],
      ] as const) {
        await storeParts(on, topics, stored);
        for (const topic of next) await appendOne(store, topic);
      }
      const kept = (await everything(store, ALL)).filter(({ topic }) => topic !== ERASED);
      expect((await remove(store)).count).toBe(7);
      for (const node of [store, await on.nodes.open(LOSSLESS)]) {
        expect(idsOf(await everything(node, ALL))).toEqual(idsOf(kept));
        expect(idsOf((await tailOf(on, node)).entries)).toEqual(idsOf(kept));
      }
    });

    test('makes no part of unfinished commits visible that follow each other', async () => {
      const store = await on.nodes.open();
      for (const stored of [1, 2]) {
        for (let node = 0; node < 3; node++) await storeParts(on, ['orders', 'invoices', 'orders.x'], stored);
        await appendOne(store, ERASED);
      }
      expect((await remove(store)).count).toBe(2);
      expect(await everything(store, ALL)).toEqual([]);
      expect((await tailOf(on, await on.nodes.open())).entries).toEqual([]);
    });

    test('makes no part of an unfinished commit visible if it ends early, and completes when it is repeated', async () => {
      const store = await on.nodes.open();
      for (const stored of [1, 2]) {
        await storeParts(on, ['orders', 'invoices', 'orders.x'], stored);
        await storeParts(on, ['invoices', 'orders'], 1);
        await appendOne(store, ERASED);
        await appendOne(store, 'orders');
      }
      const kept = await everything(store, ['orders', 'invoices']);
      expect(kept).toHaveLength(2);
      const erase = Engine.prototype.erase;
      let left = 0;
      const failing = jest.spyOn(Engine.prototype, 'erase').mockImplementation(function (this: Engine, sequence) {
        return left-- > 0 ? erase.call(this, sequence) : Promise.reject(unavailable('The server has failed.'));
      });
      try {
        for (
          let most = 1;
          await remove(store).then(
            () => false,
            () => true,
          );
          most++
        ) {
          expect(idsOf(await everything(store, ['orders', 'invoices']))).toEqual(idsOf(kept));
          left = most;
        }
      } finally {
        failing.mockRestore();
      }
      expect(idsOf(await everything(store, ALL))).toEqual(idsOf(kept));
    });

    test('keeps the other parts of commits whose last parts it removes, for nodes that start later', async () => {
      const store = await on.nodes.open(LOSSLESS);
      for (let round = 0; round < 3; round++)
        await store.append(['orders', 'invoices', ERASED].map((t) => newDraft(t)));
      const kept = (await everything(store, ALL)).filter(({ topic }) => topic !== ERASED);
      const { epoch, head } = await page(store);
      expect((await remove(store)).count).toBe(3);
      // The stream ends with a removed message, and the new node does not wait for it.
      const later = await on.nodes.open(LOSSLESS);
      const state = await page(later);
      expect([state.epoch.id, state.head >= head, state.trimmed]).toEqual([epoch.id, true, 0]);
      expect(idsOf(await everything(later, ALL))).toEqual(idsOf(kept));
      expect(await tailOf(on, later)).toEqual({ entries: kept, isWhole: true });
      const { appended } = await later.append([newDraft('orders')]);
      expect(appended[0]!.position).toBeGreaterThan(head);
      expect(on.nodes.logs).toEqual([]);
    });

    test('at the start of the stream moves trimmed only when retention does', async () => {
      const store = await on.nodes.open({ retainCount: 6 });
      for (const topic of [ERASED, ERASED, 'orders', ERASED, 'orders']) await appendOne(store, topic);
      const other = await on.nodes.open({ retainCount: 6 });
      expect((await remove(store)).count).toBe(3);
      for (const node of [store, other]) expect((await page(node)).trimmed).toBe(0);
      expect((await remove(other)).count).toBe(0);
      const [first] = await everything(store, ['orders']);
      for (;;) {
        await appendOne(store, 'orders');
        const { entries, trimmed } = await page(other);
        if (entries[0]?.id === first!.id) expect(trimmed).toBe(0);
        else {
          // The removed message after it counts as well.
          expect(trimmed).toBeGreaterThanOrEqual(first!.position);
          expect(trimmed).toBeLessThan(entries[0]!.position);
          break;
        }
      }
    });

    test('of several topics at once leaves trimmed', async () => {
      const store = await on.nodes.open();
      const topics = [ERASED, 'user.2', 'user.3'];
      // More than one step of each removal.
      for (let count = 0; count < 40; count++) for (const topic of topics) await appendOne(store, topic);
      await appendOne(store, 'orders');
      const { epoch } = await page(store);
      const removed = await Promise.all(topics.map((topic) => store.remove({ topic, upTo: UP_TO, epochId: epoch.id })));
      expect(removed.map(({ count }) => count)).toEqual([40, 40, 40]);
      expect((await page(store)).trimmed).toBe(0);
    });

    test('of everything leaves an empty log that continues', async () => {
      const store = await on.nodes.open();
      for (let round = 0; round < 3; round++) await appendOne(store, ERASED);
      const { head, epoch } = await page(store);
      expect((await remove(store)).count).toBe(3);
      const state = await page(store, { topics: [ERASED] });
      expect([state.entries, state.trimmed, state.epoch.id]).toEqual([[], 0, epoch.id]);
      const { appended } = await store.append([newDraft(ERASED)]);
      expect(appended[0]!.position).toBeGreaterThan(head);
    });

    test('outlasts a kill of the server, without a new epoch', async () => {
      const store = await on.nodes.open(LOSSLESS);
      for (const topic of ['orders', ERASED, 'orders', ERASED]) await appendOne(store, topic);
      const { head, epoch } = await page(store);
      await remove(store);
      await on.server.restart();
      await until(async () =>
        page(store).then(
          () => true,
          () => false,
        ),
      );
      const state = await page(store, { topics: ALL });
      expect([state.entries.length, state.epoch.id, state.trimmed]).toEqual([2, epoch.id, 0]);
      expect(state.head).toBeGreaterThanOrEqual(head);
      await until(async () =>
        appendOne(store, 'orders').then(
          () => true,
          () => false,
        ),
      );
      expect((await everything(store, ['orders'])).at(-1)!.position).toBeGreaterThan(head);
    });

    test('is rejected by a stream that does not allow it', async () => {
      const store = await on.nodes.open();
      await appendOne(store, ERASED);
      const { jsm } = await on.nodes.operator();
      await jsm.streams.update(STREAM, { deny_delete: true });
      await expect(remove(store)).rejects.toMatchObject({ code: 'store_unavailable', message: /deny_delete/ });
    });
  },
  ['nats-2.10', 'nats-newest'],
);
