import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import { memoryStore, type StoreFactory } from 'nest-notifications';
import type { InboxPage, InboxService } from 'nest-notifications/inbox';
import { systemClock } from '../../src/core/clock.js';
import type { LogEntry } from '../../src/core/notification.js';
import { openStore } from '../../src/demo/store.js';
import { inboxRecordOf } from '../../src/inbox/inbox-record.js';
import type { InboxOp } from '../../src/inbox/nest/operation-request.js';
import { personalTopic, recordsTopic } from '../../src/inbox/nest/inbox-topics.js';
import { inDepth } from '../support/depth.js';
import { ENGINES, RETENTION, type SharedEngine } from '../support/engines/shared.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { idsOf, inboxNode, type InboxNode, shared } from '../support/inbox.js';
import { bruteForce } from '../support/inbox-model.js';
import { Random } from '../support/random.js';
import { until } from '../support/time/until.js';

const NODES = 3;
/** Rounds in which all devices act at the same time. */
const ROUNDS = inDepth(8, 60);
const DEVICES = 4;
const BROADCAST = 'announcements';
const SEED = 21;

/** The operations after which an item is not in the list. */
const HIDING = new Set<InboxOp>(['archive', 'snooze', 'remove']);

afterEach(endTest);

/** The newest item of each list that "mark all" was used with. */
type ShownNewest = Set<string>;

/** One device of a subscriber. It knows the list that it has loaded last. */
class Device {
  #page: InboxPage | undefined;

  constructor(
    readonly random: Random,
    readonly node: () => InboxService,
  ) {}

  /** Repeats the last action of a device if the store did not answer, as a client does. */
  async act(round: number, shownNewest: ShownNewest): Promise<void> {
    const inbox = this.node();
    if (!this.#page || this.random.chance(0.3)) this.#page = await inbox.list('ann', { limit: 200 });
    const ids = idsOf(this.#page);
    const { follow } = this.#page;
    const kind = this.random.below(10);
    if (kind < 3 || ids.length === 0) {
      const id = `r${round}-${this.random.below(1e9)}`;
      await inbox.send(this.random.chance(0.2) ? { topic: BROADCAST } : 'ann', { id, type: 'comment' });
      return;
    }
    if (kind === 3) {
      shownNewest.add(ids[0]!);
      await inbox.markRead('ann', { upTo: follow });
      return;
    }
    const some = this.random.sample(ids, Math.min(ids.length, this.random.from(1, 5)));
    const operations = [
      () => inbox.markRead('ann', some),
      () => inbox.markUnread('ann', some),
      () => inbox.archive('ann', some),
      () => inbox.unarchive('ann', some),
      () => inbox.markSeen('ann', some),
      () => inbox.snooze('ann', some, new Date(Date.now() + 3_600_000)),
      () => inbox.unsnooze('ann', some),
      () => inbox.markSeen('ann', { upTo: follow, type: 'comment' }),
      () => inbox.remove('ann', some.slice(0, 1)),
    ];
    await this.random.pick(operations)();
  }
}

/** All entries of topics, in the order of the log. */
async function readAll(factory: StoreFactory, topics: readonly string[]): Promise<LogEntry[]> {
  const store = await factory({ clock: systemClock, logger: { warn: () => undefined, error: () => undefined } });
  const { entries, more } = await store.read({ topics, after: 0, limit: 100_000, bytesMax: 2 ** 30 });
  await store.close();
  expect(more).toBe(false);
  return [...entries];
}

async function actAtOnce(factory: StoreFactory, crash: () => Promise<unknown>): Promise<void> {
  const topics = () => [BROADCAST];
  const open = () => inboxNode({ store: factory, topics, operations: { exceptionsMax: 60 } });
  const nodes: InboxNode[] = [];
  for (let n = 0; n < NODES; n++) nodes.push(await open());
  const random = new Random(SEED);
  const devices = Array.from(
    { length: DEVICES },
    (_, n) => new Device(new Random(SEED + n), () => nodes[(n + random.below(NODES)) % NODES]!.inbox),
  );
  const shownNewest: ShownNewest = new Set();
  for (let round = 0; round < ROUNDS; round++) {
    const isCrash = round === Math.floor(ROUNDS / 2);
    const acts = devices.map((device) =>
      device.act(round, shownNewest).catch((error: unknown) => {
        const { code } = error as { code: string };
        expect(isCrash ? ['inbox_full', 'store_unavailable', 'draining'] : ['inbox_full']).toContain(code);
      }),
    );
    if (isCrash) {
      const [ended] = nodes.splice(0, 1);
      await Promise.all([ended!.close(), crash()]);
      nodes.push(await open());
    }
    await Promise.all(acts);
  }
  await nodes[0]!.inbox.send('ann', { id: 'last', type: 'comment' });
  for (const { inbox } of nodes) await until(async () => idsOf(await inbox.list('ann', { limit: 1 }))[0] === 'last');
  const items = await readAll(factory, [personalTopic('ann'), BROADCAST]);
  const records = await readAll(factory, [recordsTopic('ann')]);
  const expected = bruteForce(items, records, Date.now());
  for (const { inbox } of nodes) {
    const page = await inbox.list('ann', { limit: 1_000 });
    const shown = page.items.map(({ notification: { id }, seen, read }) => ({ id, seen, read }));
    expect(shown).toEqual(expected.shown);
    expect(idsOf(await inbox.list('ann', { status: 'archived', limit: 1_000 }))).toEqual(expected.archived);
    const { unseen, unread, total } = page.counts;
    const capped = (count: number) => Math.min(count, 100);
    expect([unseen, unread, total]).toEqual(Object.values(expected.counts).map(capped));
  }
  // "Mark all" ended at the newest item that its device had shown, or at a newer item that was
  // hidden before.
  const hidden = new Set<string>();
  for (const record of records.map(inboxRecordOf)) {
    if (!record || !('operation' in record)) continue;
    const { operation, ids } = record;
    if ('upTo' in operation) expect(new Set([...shownNewest, ...hidden])).toContain(ids[0]);
    else if (HIDING.has(operation.op)) for (const id of ids) hidden.add(id);
  }
}

/** Two nodes have the inbox in their caches. One of them erases it. */
async function eraseOnOne(factory: StoreFactory): Promise<void> {
  const open = () => inboxNode({ store: factory, topics: () => [BROADCAST] });
  const nodes = [await open(), await open()];
  const [first, second] = nodes.map(({ inbox }) => inbox);
  for (let n = 0; n < 5; n++) await first!.send('ann', { id: `a${n}`, type: 'comment' });
  await first!.send({ topic: BROADCAST }, { id: 'all', type: 'release' });
  await until(async () => (await second!.counts('ann')).total === 6);
  for (let n = 0; n < 60; n++) await (n % 2 ? second!.markRead('ann', 'a1') : second!.markUnread('ann', 'a1'));
  await first!.archive('ann', { upTo: (await first!.list('ann')).follow });
  const { items } = await second!.erase('ann');
  expect(items).toBe(5);
  expect(await readAll(factory, [personalTopic('ann')])).toEqual([]);
  const records = await readAll(factory, [recordsTopic('ann')]);
  expect(records.map(({ json }) => JSON.parse(json))).toMatchObject([{ type: 'inbox.erased', data: {} }]);
  nodes.push(await open());
  for (const { inbox } of nodes) {
    await until(async () => idsOf(await inbox.list('ann')).length === 1);
    expect(idsOf(await inbox.list('ann', { status: 'unread' }))).toEqual(['all']);
  }
}

describe('devices that act at the same time, on three nodes', () => {
  test('agree, and each count equals a count of all items: in memory', async () => {
    await actAtOnce(shared(memoryStore(RETENTION)), () => Promise.resolve());
  });

  const kinds = inDepth([ENGINES.sqlite], Object.values(ENGINES));
  for (const { name, missing, start } of kinds) {
    (missing() ? test.skip : test)(`agree, also after a crash: on ${name}`, async () => {
      const engine: SharedEngine = await start();
      atTestEnd(() => engine.stop());
      await actAtOnce(openStore(engine.store(), RETENTION), async () => engine.crash?.());
    });

    (missing() ? test.skip : test)(`forget an erased inbox: on ${name}`, async () => {
      const engine: SharedEngine = await start();
      atTestEnd(() => engine.stop());
      await eraseOnOne(openStore(engine.store(), RETENTION));
    });
  }
});
