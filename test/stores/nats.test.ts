import { describe, expect, test } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { firstValueFrom } from 'rxjs';
import { systemClock } from '../../src/core/clock.js';
import { Feed } from '../../src/core/feed.js';
import type { Store } from '../../src/core/store.js';
import { natsStore, type NatsStoreOptions } from '../../src/stores/nats/index.js';
import type { Draft } from '../../src/core/notification.js';
import { NatsServer } from '../support/engines/nats.js';
import { describeOnServer, everything, Nodes, page, pushConsumers, STREAM } from '../support/stores/nats.js';
import { poll } from '../support/feed.js';
import { newDraft } from '../support/drafts.js';
import { until } from '../support/time/until.js';

const LIMITS = {
  pageBytesMax: 1e6,
  windowCount: 10_000,
  windowBytes: 1e7,
  waitersMax: 10_000,
  waitersPerSubscriberMax: 10_000,
  waitersPerAddressMax: 10_000,
};
const runtime = { clock: systemClock, logger: console };

describe('nats store: options', () => {
  test.each([
    [{ stream: 'a.b' }, /option stream is the string "a\.b"; it must have/],
    [{ replicas: 6 }, /option replicas is 6; it must be a whole number from 1 to 5/],
    [{ timeoutMs: 1 }, /option timeoutMs is 1; it must be a whole number from 100 to/],
    [{ retainCount: 0.5 }, /retainCount is 0\.5/],
    [{ syncAlways: 'yes' }, /option syncAlways is the string "yes"; it must be true or false/],
    [{ nonsense: 1 }, /there is no option nonsense/],
  ])('rejects %j', (options, message) => {
    expect(() => natsStore(options as NatsStoreOptions)).toThrow(message);
  });

  test('rejects credentials in a URL without repeating them', () => {
    const options = { connection: { servers: ['nats://user:hunter2@localhost'] } };
    expect(() => natsStore(options)).toThrow(/must be in user and pass/);
    expect(() => natsStore(options)).not.toThrow(/hunter2/);
  });

  test('rejects with store_unavailable and without credentials if no server can be reached', async () => {
    const connection = { servers: '127.0.0.1:1', user: 'user', pass: 'hunter2' };
    const opening = natsStore({ connection, timeoutMs: 500 })(runtime);
    await expect(opening).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.not.stringMatching(/hunter2/),
    });
  });
});

describeOnServer('nats store', (on) => {
  const open = () => Promise.all([on.nodes.open(), on.nodes.open()]) as Promise<[Store, Store]>;

  test('nodes that start at the same time agree on the log', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => on.nodes.open()));
    const states = await Promise.all(stores.map((store) => page(store)));
    expect(new Set(states.map(({ epoch }) => `${epoch.id} ${epoch.secret}`)).size).toBe(1);
  });

  test('close writes the appends that were called before it', async () => {
    const [store, other] = await open();
    const drafts = Array.from({ length: 500 }, () => newDraft());
    const appends = drafts.map((one) => store.append([one]));
    await store.close();
    const results = await Promise.allSettled(appends);
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect((await everything(other, ['orders'])).map(({ id }) => id)).toEqual(drafts.map(({ id }) => id));
    await expect(store.append([newDraft()])).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('an error names a wrong password without repeating it', async () => {
    const guarded = await NatsServer.start({ config: 'authorization {\n token: right\n}', token: 'right' });
    const connection = { servers: guarded.servers, token: 'hunter2' };
    await expect(natsStore({ connection })(runtime)).rejects.toMatchObject({
      code: 'store_unavailable',
      message: 'The NATS server rejects the user, password or token in the option connection.',
    });
    await guarded.stop();
  });

  test('a password that is no longer accepted is logged once and named in errors', async () => {
    const token = (value: string): string => `authorization {\n token: ${value}\n}`;
    const guarded = await NatsServer.start({ config: token('hunter2'), token: 'hunter2' });
    const nodes = new Nodes(guarded);
    const message = 'The NATS server rejects the user, password or token in the option connection.';
    const store = await nodes.open({ connection: { servers: guarded.servers, token: 'hunter2' } });
    guarded.configure(token('changed'));
    guarded.reload();
    await until(() => nodes.logs.includes(message));
    await expect(store.append([newDraft()])).rejects.toMatchObject({ code: 'store_unavailable', message });
    guarded.configure(token('hunter2'));
    guarded.reload();
    await until(() => nodes.logs.at(-1)!.includes('available again'));
    await store.append([newDraft()]);
    expect(nodes.logs.filter((line) => line === message)).toHaveLength(1);
    expect(nodes.logs.join()).not.toContain('hunter2');
    await nodes.close();
    await guarded.stop();
  });

  test('records of the library raise the limit of the stream in steps, on each node and after a start', async () => {
    const retainCount = 10;
    const stores = await Promise.all([on.nodes.open({ retainCount }), on.nodes.open({ retainCount })]);
    const { jsm } = await on.nodes.operator();
    const limit = async (): Promise<number> => (await jsm.streams.info(STREAM)).config.max_msgs;
    const notes = Array.from({ length: retainCount }, () => newDraft());
    for (const note of notes) await stores[0]!.append([note]);
    expect(await limit()).toBe(retainCount + 100);
    for (let n = 0; n < 330; n++) await stores[n % 2]!.append([newDraft(`$check.${n % 7}`)]);
    const kept = async (store: Store) => (await page(store)).entries.map(({ id }) => id);
    expect(await kept(stores[0]!)).toEqual(notes.map(({ id }) => id));
    expect(await limit()).toBe(retainCount + 400);
    expect(await kept(await on.nodes.open({ retainCount }))).toEqual(notes.map(({ id }) => id));
    expect(await limit()).toBe(retainCount + 400);
  }, 30_000);

  test('an id appended at once alone, in arrays and from two nodes is one notification', async () => {
    const stores = await open();
    for (let round = 0; round < 20; round++) {
      const [one, two] = [newDraft('a'), newDraft('b')];
      const arrays = [[one], [one, newDraft('c'), two], [two], [two, one], [newDraft('a'), one, newDraft('b')]];
      const results = await Promise.all(arrays.map((drafts, index) => stores[index % 2]!.append(drafts)));
      for (const { id } of [one, two]) {
        const answers = results.flatMap(({ appended }) => appended).filter((answer) => answer.id === id);
        expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
        expect(new Set(answers.map(({ position }) => position)).size).toBe(1);
      }
    }
    const ids = (await everything(stores[0], ['a', 'b', 'c'])).map(({ id }) => id);
    expect(ids).toHaveLength(20 * 5);
    expect(new Set(ids).size).toBe(20 * 5);
  });

  test('no topic is a wildcard or a part of another', async () => {
    const store = await on.nodes.open();
    const topics = [
      '>',
      'a*b',
      'a.>',
      'a',
      'a.',
      '.a',
      'a..b',
      ' ',
      'a b',
      '=',
      '=2e',
      '.',
      '~',
      '$JS',
      'ä',
      '😀',
      '%2E',
    ];
    await store.append(topics.map((topic) => newDraft(topic)));
    for (const topic of topics) {
      expect((await page(store, { topics: [topic] })).entries.map((entry) => entry.topic)).toEqual([topic]);
    }
  });

  test('rejects a notification larger than the server accepts, but not those appended with it', async () => {
    const store = await on.nodes.open();
    const sized = (one: Draft, length: number): Draft => ({
      ...one,
      json: one.json.replace('null', `"${'x'.repeat(length)}"`),
    });
    const large = sized(newDraft(), 1_100_000);
    const results = await Promise.allSettled([
      store.append([newDraft()]),
      store.append([large]),
      store.append([newDraft()]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'notification_too_large' } });
    // Together they exceed one message, so the array has several.
    const drafts = Array.from({ length: 5 }, () => sized(newDraft('b'), 600_000));
    await store.append(drafts);
    expect(await everything(store, ['b'])).toMatchObject(drafts.map(({ id, json }) => ({ id, json })));
  });

  test('a node that starts later knows the ids of the window', async () => {
    const first = await on.nodes.open();
    const drafts = Array.from({ length: 300 }, (_, index) => newDraft(`topic-${index % 7}`));
    const { appended } = await first.append(drafts);
    const second = await on.nodes.open();
    const again = await second.append(drafts);
    expect(again.appended).toEqual(appended.map((answer) => ({ ...answer, duplicate: true })));
  });

  test('an unfinished commit of a dead node is never visible and does not stop other nodes', async () => {
    const [one, two] = await open();
    const followed = await on.nodes.follow(two);
    const { appended } = await one.append([newDraft('a')]);
    const { nc, jsm } = await on.nodes.operator();
    const { config, state } = await jsm.streams.info(STREAM);
    const before = appended[0]!.position;
    const part = headers();
    part.set('Notifications-Part', JSON.stringify(['dead', 1, 2, 2, before, [0], ['lost']]));
    part.set('Nats-Expected-Last-Sequence', String(state.last_seq));
    await nc.request(config.subjects[0]!.replace('>', 'a'), '{}', { headers: part, timeout: 1_000 });
    expect((await page(two, { topics: ['a'] })).head).toBe(before);
    const started = performance.now();
    await Promise.all([one.append([newDraft('a')]), two.append([newDraft('a')])]);
    expect(performance.now() - started).toBeLessThan(1_500);
    // Reads by topic, reads in the order of the log, and later nodes skip it.
    const later = await on.nodes.open();
    for (const store of [one, later]) expect((await page(store, { topics: ['a'] })).entries).toHaveLength(3);
    await until(() => followed.entries.length === 3);
    expect((await on.nodes.follow(later)).entries.map(({ id }) => id)).not.toContain('lost');
  });

  test('skips messages of other programs in the stream', async () => {
    const [one, two] = await open();
    const followed = await on.nodes.follow(one);
    await one.append([newDraft()]);
    const { nc, jsm } = await on.nodes.operator();
    const subject = (await jsm.streams.info(STREAM)).config.subjects[0]!.replace('>', 'orders');
    await nc.request(subject, 'hello');
    const broken = headers();
    broken.set('Notifications-Part', '{');
    await nc.request(subject, 'hello', { headers: broken, timeout: 1_000 });
    const { appended } = await two.append([newDraft(), newDraft()]);
    const { entries, head } = await page(one);
    expect(entries).toHaveLength(3);
    expect(head).toBe(appended[1]!.position);
    await until(() => followed.entries.length === 3);
  });

  test('the stream allows the removal of single messages, but no purge', async () => {
    const store = await on.nodes.open();
    await store.append([newDraft()]);
    const { jsm } = await on.nodes.operator();
    await expect(jsm.streams.purge(STREAM)).rejects.toThrow();
    await expect(jsm.streams.deleteMessage(STREAM, 1)).resolves.toBe(true);
  });

  test('a deleted stream is a new log with a new epoch, and clients get a gap', async () => {
    const [one, two] = await open();
    const feeds = await Promise.all(
      [one, two].map((store) => Feed.open({ store, clock: systemClock, limits: LIMITS })),
    );
    const { epoch, appended } = await one.append([newDraft()]);
    const after = { epochId: epoch.id, position: appended[0]!.position };
    const request = { topics: ['orders'], after, limit: 10, waitMs: 15_000 };
    const pages = feeds.map((feed) => firstValueFrom(poll(feed, request)));
    const { jsm } = await on.nodes.operator();
    await jsm.streams.delete(STREAM);
    for (const answer of await Promise.all(pages)) {
      expect(answer.gap).toEqual({ reason: 'reset' });
      expect(answer.epoch.id).not.toBe(epoch.id);
    }
    const next = await two.append([newDraft()]);
    expect(next.epoch.id).not.toBe(epoch.id);
    expect((await page(one)).entries.map(({ id }) => id)).toEqual([next.appended[0]!.id]);
    await Promise.all(feeds.map((feed) => feed.close()));
  }, 30_000);

  test('an append after the deletion of the stream is in the new log', async () => {
    const store = await on.nodes.open();
    const { epoch } = await store.append([newDraft()]);
    const { jsm } = await on.nodes.operator();
    await jsm.streams.delete(STREAM);
    const next = await store.append([newDraft()]);
    expect(next.epoch.id).not.toBe(epoch.id);
    expect((await page(store)).epoch.id).toBe(next.epoch.id);
  });

  test('a node has one consumer for any number of clients, and none after close', async () => {
    const stores = await open();
    const { jsm } = await on.nodes.operator();
    const consumers = async () => (await pushConsumers(jsm)).length;
    expect(await consumers()).toBe(2);
    const feed = await Feed.open({ store: stores[0], clock: systemClock, limits: LIMITS });
    const request = { topics: ['orders'], after: 'latest', limit: 10, waitMs: 20_000 } as const;
    const pages = Array.from({ length: 1_000 }, () => firstValueFrom(poll(feed, request)));
    expect(feed.counts().waiters).toBe(1_000);
    expect(await consumers()).toBe(2);
    await stores[1].append([newDraft()]);
    for (const { entries } of await Promise.all(pages)) expect(entries).toHaveLength(1);
    expect(await consumers()).toBe(2);
    // The server removes the consumer of a node that has crashed.
    const [consumer] = await pushConsumers(jsm);
    expect(consumer?.config).toMatchObject({ mem_storage: true, inactive_threshold: 5e9 });
    await feed.close();
    await Promise.all(stores.map((store) => store.close()));
    expect(await consumers()).toBe(0);
  });

  test('retention by age removes old notifications and states them in trimmed', async () => {
    const store = await on.nodes.open({ retainMs: 1_000, idempotencyMs: 1_000 });
    const { appended } = await store.append([newDraft(), newDraft()]);
    await until(async () => (await page(store)).entries.length === 0);
    const state = await page(store);
    expect([state.trimmed, state.head]).toEqual([appended[1]!.position, appended[1]!.position]);
    const later = await on.nodes.open({ retainMs: 1_000, idempotencyMs: 1_000 });
    expect(await page(later)).toMatchObject({ trimmed: state.trimmed, head: state.head, epoch: state.epoch });
    const next = await later.append([newDraft()]);
    expect(next.appended[0]!.position).toBeGreaterThan(state.head);
    expect((await page(store, { after: state.head })).entries).toHaveLength(1);
  });

  test('retention by bytes removes the oldest notifications', async () => {
    const store = await on.nodes.open({ retainBytes: 20_000 });
    // The first step of the room for records adds 100 KiB.
    for (let count = 0; count < 600; count++) await store.append([newDraft()]);
    const { entries, trimmed } = await page(store);
    expect(entries.length).toBeGreaterThan(20);
    expect(entries.length).toBeLessThan(600);
    expect(trimmed).toBeLessThan(entries[0]!.position);
  });
});
