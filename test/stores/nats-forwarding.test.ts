import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Msg } from '@nats-io/transport-node';
import { type Clock, systemClock } from '../../src/core/clock.js';
import type { NatsStoreOptions } from '../../src/stores/nats/index.js';
import { inDepth } from '../support/depth.js';
import { draft, newDraft, newDrafts } from '../support/drafts.js';
import { NatsServer, natsVersions } from '../support/engines/nats.js';
import { everything, Nodes, page, STREAM } from '../support/stores/nats.js';
import { NatsNode } from '../support/stores/nats-node.js';
import { until } from '../support/time/until.js';

const ROUNDS = inDepth(5, 100);
const AT_ONCE = 20;
/** A node without an answer writes after a second. */
const ANSWERED_MS = 900;

for (const { name, binary, missing } of natsVersions(inDepth([], ['nats-2.10', 'nats-newest']))) {
  (missing ? describe.skip : describe)(`nats store: appends that are forwarded, on ${name}`, () => {
    let server: NatsServer;
    let nodes: Nodes;
    let stream = STREAM;
    let streams = 0;
    const closing: NatsNode[] = [];

    beforeAll(async () => {
      server = await NatsServer.start({ binary });
    });
    afterAll(() => server.stop());

    beforeEach(() => {
      nodes = new Nodes(server);
      stream = `${STREAM}-${++streams}`;
    });
    afterEach(() => nodes.close());

    const openStore = (options: NatsStoreOptions = {}) => nodes.open({ stream, ...options });

    /** Runs a test with nodes, and closes them. */
    async function withNodes(run: (open: typeof openNode) => Promise<void>): Promise<void> {
      try {
        await run(openNode);
      } finally {
        await Promise.all(closing.splice(0).map((node) => node.close()));
      }
    }

    async function openNode(options: NatsStoreOptions = {}, clock?: Clock): Promise<NatsNode> {
      const node = await NatsNode.open(server.servers, { stream, ...options }, clock);
      closing.push(node);
      return node;
    }

    /** The ids in the log, as a new node reads them. */
    async function idsInLog(): Promise<string[]> {
      const store = await openStore();
      return (await everything(store, ['orders'])).map(({ id }) => id);
    }

    /** Lets a test answer the forwards to a node that does not run. */
    async function actAsNode(answer: (message: Msg) => string | undefined): Promise<string> {
      const { nc } = await nodes.operator();
      const node = crypto.randomUUID();
      nc.subscribe(`${stream}.writer.${node}`, {
        callback: (_, message) => {
          const text = answer(message);
          if (text !== undefined) message.respond(text);
        },
      });
      await nc.flush();
      return node;
    }

    test('nodes that append at the same time forward, and lose, double and reorder nothing', async () => {
      const stores = await Promise.all([openStore(), openStore(), openStore()]);
      const { nc } = await nodes.operator();
      const subjects: string[] = [];
      nc.subscribe(`${stream}.writer.*`, { callback: (_, { subject }) => void subjects.push(subject) });
      await nc.flush();
      const appended = await Promise.all(
        stores.map(async (store, at) => {
          const ids: string[] = [];
          for (let round = 0; round < ROUNDS; round++) {
            const names = Array.from({ length: AT_ONCE }, (_, n) => `${at}-${round}-${n}`);
            const results = await Promise.all(names.map((name) => store.append([draft(name)])));
            for (const { appended } of results) expect(appended[0]!.duplicate).toBe(false);
            // A read after an append contains it, also if another node wrote it.
            const { position } = results.at(-1)!.appended[0]!;
            expect((await page(store, { after: position - 1, limit: 1 })).entries[0]!.id).toBe(names.at(-1));
            ids.push(...names);
          }
          return ids;
        }),
      );
      const log = await idsInLog();
      expect(log).toHaveLength(3 * ROUNDS * AT_ONCE);
      for (const [at, ids] of appended.entries()) {
        expect(log.filter((id) => id.startsWith(`${at}-`))).toEqual(ids);
      }
      expect(subjects.length).toBeGreaterThan(0);
    }, 60_000);

    test('an id that three nodes append at the same time is new for one of them', async () => {
      const stores = await Promise.all([openStore(), openStore(), openStore()]);
      for (let round = 0; round < ROUNDS; round++) {
        const results = await Promise.all(
          stores.flatMap((store) => Array.from({ length: AT_ONCE }, (_, n) => store.append([draft(`${round}-${n}`)]))),
        );
        const first = results.flatMap(({ appended }) => appended).filter(({ duplicate }) => !duplicate);
        expect(new Set(first.map(({ id }) => id)).size).toBe(AT_ONCE);
        expect(first).toHaveLength(AT_ONCE);
      }
    }, 60_000);

    test('a node forwards nothing while it writes alone, or with forwardAppends: false', async () => {
      const { nc } = await nodes.operator();
      const subjects: string[] = [];
      nc.subscribe(`${stream}.writer.*`, { callback: (_, { subject }) => void subjects.push(subject) });
      await nc.flush();
      const alone = await openStore();
      for (let round = 0; round < 20; round++) await Promise.all(newDrafts(5).map((one) => alone.append([one])));
      const off = await Promise.all([1, 2].map(() => openStore({ forwardAppends: false })));
      await Promise.all(off.flatMap((store) => newDrafts(100).map((one) => store.append([one]))));
      await nc.flush();
      expect(subjects).toEqual([]);
    });

    test('a holder appends the batch of another node', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open(), await open()];
        node.lease.grant(holder.id);
        const [known] = await node.append(newDraft());
        const batch = [draft(known!.id), newDraft(), newDraft()];
        node.lease.grant(holder.id);
        const appended = await node.append(...batch, batch[1]!);
        expect(appended.map(({ duplicate }) => duplicate)).toEqual([true, false, false, true]);
        expect(node.follower.lastCommit.startsWith(holder.id)).toBe(true);
        // The holder wrote nothing else, so this node writes the next batch itself.
        expect(node.lease.holder).toBeUndefined();
        expect(await idsInLog()).toEqual(batch.map(({ id }) => id));
      }));

    test('a node writes the batch itself if the holder no longer runs', () =>
      withNodes(async (open) => {
        const node = await open();
        const gone = crypto.randomUUID();
        node.lease.grant(gone);
        const startMs = performance.now();
        const [appended] = await node.append(newDraft());
        expect(performance.now() - startMs).toBeLessThan(ANSWERED_MS);
        expect(appended!.duplicate).toBe(false);
        node.lease.grant(gone);
        expect(node.lease.holder).toBeUndefined();
      }));

    test('a node writes the batch itself if the holder is suspended', () =>
      withNodes(async (open) => {
        const node = await open();
        node.lease.grant(await actAsNode(() => undefined));
        const batch = newDrafts(3);
        const appended = await node.append(...batch);
        expect(appended.every(({ duplicate }) => !duplicate)).toBe(true);
        expect(await idsInLog()).toEqual(batch.map(({ id }) => id));
      }));

    test.each([
      ['a position of the future', JSON.stringify({ upTo: 1e9, duplicates: [] })],
      ['a position of the past', JSON.stringify({ upTo: 0, duplicates: [] })],
      ['a rejection', JSON.stringify({ rejected: true })],
      ['no JSON', 'hello'],
    ])('an answer of %s acknowledges nothing that the log does not contain', (_, answer) =>
      withNodes(async (open) => {
        const node = await open();
        node.lease.grant(await actAsNode(() => answer));
        const [appended] = await node.append(newDraft());
        expect(appended!.duplicate).toBe(false);
        expect(await idsInLog()).toEqual([appended!.id]);
      }),
    );

    test('a batch is new if its holder appends it and does not answer', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open(), await open()];
        const { peers } = node.engine;
        const ask = peers.ask.bind(peers);
        peers.ask = async (...request) => {
          expect(await ask(...request)).toBeDefined();
          return undefined;
        };
        node.lease.grant(holder.id);
        const batch = newDrafts(3);
        const appended = await node.append(...batch);
        expect(appended.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
        expect(await idsInLog()).toEqual(batch.map(({ id }) => id));
      }));

    test('a batch is in the log once if the suspended holder receives it later', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open(), await open()];
        const { peers } = node.engine;
        const ask = peers.ask.bind(peers);
        let late: (() => Promise<string | undefined>) | undefined;
        peers.ask = async (...request) => {
          late = () => ask(...request);
          return undefined;
        };
        node.lease.grant(holder.id);
        const batch = newDrafts(3);
        await node.append(...batch);
        expect(JSON.parse((await late!())!)).toMatchObject({ duplicates: [0, 1, 2] });
        expect(await idsInLog()).toEqual(batch.map(({ id }) => id));
      }));

    test('a holder that was suspended for longer than it remembers ids rejects old batches', () =>
      withNodes(async (open) => {
        const idempotencyMs = 60_000;
        let suspendedMs = 0;
        const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + suspendedMs };
        const [holder, node] = [await open({ idempotencyMs }, clock), await open({ idempotencyMs })];
        const { peers } = node.engine;
        const ask = peers.ask.bind(peers);
        let late: (() => Promise<string | undefined>) | undefined;
        peers.ask = async (...request) => {
          late = () => ask(...request);
          return undefined;
        };
        node.lease.grant(holder.id);
        const [appended] = await node.append(newDraft());
        await until(() => holder.follower.ids.get(appended!.id) !== undefined);
        suspendedMs = idempotencyMs;
        expect(JSON.parse((await late!())!)).toEqual({ rejected: true });
        // The holder continues with its own appends and with new batches.
        const [own] = await holder.append(newDraft());
        peers.ask = ask;
        await until(() => node.follower.ids.get(own!.id) !== undefined);
        node.lease.grant(holder.id);
        const [later] = await node.append(newDraft());
        expect(await idsInLog()).toEqual([appended!.id, own!.id, later!.id]);
      }));

    test('two nodes that each take the other for the holder append without waiting', () =>
      withNodes(async (open) => {
        const nodes = [await open(), await open()];
        nodes[0]!.lease.grant(nodes[1]!.id);
        nodes[1]!.lease.grant(nodes[0]!.id);
        const startMs = performance.now();
        const appended = await Promise.all(nodes.map((node) => node.append(...newDrafts(5))));
        expect(performance.now() - startMs).toBeLessThan(ANSWERED_MS);
        expect(appended.flat().filter(({ duplicate }) => duplicate)).toEqual([]);
        for (const node of nodes) expect(node.lease.holder).not.toBe(node.id);
        expect(new Set(await idsInLog())).toEqual(new Set(appended.flat().map(({ id }) => id)));
      }));

    test('nodes that all write lose the race one after another, and all appends succeed', () =>
      withNodes(async (open) => {
        const nodes = await Promise.all([open(), open(), open()]);
        const batches = nodes.map(() => newDrafts(200));
        const appends = nodes.flatMap((node, at) => batches[at]!.map((one) => node.append(one)));
        for (const node of nodes) node.lease.end();
        const results = (await Promise.all(appends)).flat();
        expect(results.filter(({ duplicate }) => duplicate)).toEqual([]);
        expect((await idsInLog()).toSorted()).toEqual(
          batches
            .flat()
            .map(({ id }) => id)
            .toSorted(),
        );
      }));

    test('a node follows the holder that another node names, once', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open(), await open()];
        const text = JSON.stringify({ holder: holder.id });
        node.lease.grant(await actAsNode(() => text));
        await node.append(newDraft());
        expect(node.follower.lastCommit.startsWith(holder.id)).toBe(true);
        // Nodes that name each other do not keep a batch.
        let asked = 0;
        const [one, two] = [crypto.randomUUID(), crypto.randomUUID()];
        const { nc } = await nodes.operator();
        for (const [self, other] of [
          [one, two],
          [two, one],
        ]) {
          nc.subscribe(`${stream}.writer.${self}`, {
            callback: (_, message) => {
              asked++;
              message.respond(JSON.stringify({ holder: other }));
            },
          });
        }
        await nc.flush();
        node.lease.grant(one);
        await node.append(newDraft());
        expect(asked).toBe(2);
      }));

    test('a batch of another node is not forwarded again', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open(), await open()];
        const asked: Msg[] = [];
        const third = await actAsNode((message) => {
          asked.push(message);
          return undefined;
        });
        // The holder cannot write until it has checked the stream.
        const check = holder.engine.open.bind(holder.engine);
        let release = (): void => undefined;
        const released = new Promise<void>((resolve) => (release = resolve));
        holder.engine.open = async (...config) => {
          await released;
          return check(...config);
        };
        holder.follower.recheck();
        const { nc } = await nodes.operator();
        const forwarded = new Promise<void>((resolve) => {
          nc.subscribe(`${stream}.writer.${holder.id}`, { callback: () => resolve() });
        });
        await nc.flush();
        node.lease.grant(holder.id);
        const appending = node.append(newDraft());
        await forwarded;
        // The holder answers in order, so it has queued the batch.
        await nc.request(`${stream}.writer.${holder.id}`, 'no forward', { timeout: 5_000 });
        holder.lease.grant(third);
        release();
        const [appended] = await appending;
        expect(appended!.duplicate).toBe(false);
        expect(await idsInLog()).toEqual([appended!.id]);
        expect(asked).toEqual([]);
      }));

    test('a holder appends for others at most half of what it may queue', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open({ pendingMax: 20 }), await open()];
        node.lease.grant(holder.id);
        const small = await node.append(...newDrafts(10));
        expect(node.follower.lastCommit.startsWith(holder.id)).toBe(true);
        node.lease.grant(holder.id);
        const large = await node.append(...newDrafts(11));
        expect(node.follower.lastCommit.startsWith(node.id)).toBe(true);
        expect(await idsInLog()).toEqual([...small, ...large].map(({ id }) => id));
      }));

    test('a batch that is larger than a message is not forwarded', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open(), await open()];
        node.lease.grant(holder.id);
        const large = Array.from({ length: 3 }, () => newDraft('orders', 'x'.repeat(500_000)));
        await node.append(...large);
        expect(node.follower.lastCommit.startsWith(node.id)).toBe(true);
        expect(await idsInLog()).toEqual(large.map(({ id }) => id));
      }));

    test('an error of one array of another node does not fail the others', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open(), await open()];
        node.lease.grant(holder.id);
        const limit = holder.engine.payloadMax;
        const appends = await Promise.allSettled([
          node.append(newDraft()),
          node.append(newDraft('orders', 'x'.repeat(limit))),
          node.append(newDraft()),
        ]);
        expect(appends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
        expect(appends[1]).toMatchObject({ reason: { code: 'notification_too_large' } });
        const flags = appends.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
        expect(flags.map(({ duplicate }) => duplicate)).toEqual([false, false]);
      }));

    test('messages that are no forwards change nothing', () =>
      withNodes(async (open) => {
        const node = await open();
        const { nc } = await nodes.operator();
        for (const text of ['', '{}', '["e",0,[["a","orders"]]]\n{}', '\n\n']) {
          const answer = await nc.request(`${stream}.writer.${node.id}`, text, { timeout: 5_000 });
          expect(answer.json()).toEqual({ rejected: true });
        }
        const { appended } = await node.appends.append([newDraft()]);
        expect(await idsInLog()).toEqual(appended.map(({ id }) => id));
      }));

    test('a holder that closes answers the batches that it has accepted', () =>
      withNodes(async (open) => {
        const [holder, node] = [await open(), await open()];
        node.lease.grant(holder.id);
        const first = node.append(...newDrafts(3));
        await until(() => holder.follower.sequence > 0);
        closing.splice(closing.indexOf(holder), 1);
        await holder.close();
        node.lease.grant(holder.id);
        const appended = [...(await first), ...(await node.append(newDraft()))];
        expect(appended.map(({ duplicate }) => duplicate)).toEqual([false, false, false, false]);
      }));
  });
}

test.each([
  ['forwards with the permissions that the documents name', `["_INBOX.>", "${STREAM}.writer.>"]`, true],
  ['writes itself without the permission to receive from other nodes', '["_INBOX.>"]', false],
])('a restricted node %s', async (_, subscribe, forwards) => {
  const publish = `["${STREAM}.>", "${STREAM}-claims.>", "$JS.API.>"]`;
  const permissions = `{ publish: { allow: ${publish} }, subscribe: { allow: ${subscribe} } }`;
  const users = `[{ user: node, password: p, permissions: ${permissions} }, { user: test, password: p }]`;
  const server = await NatsServer.start({ config: `authorization {\n users: ${users}\n}\nno_auth_user: test` });
  const connection = { servers: server.servers, user: 'node', pass: 'p' };
  const [holder, node] = [
    await NatsNode.open('', { connection, stream: STREAM }),
    await NatsNode.open('', { connection, stream: STREAM }),
  ];
  node.lease.grant(holder.id);
  const [appended] = await node.append(newDraft());
  expect(appended!.duplicate).toBe(false);
  expect(node.follower.lastCommit.startsWith(forwards ? holder.id : node.id)).toBe(true);
  await Promise.all([holder.close(), node.close()]);
  await server.stop();
});
