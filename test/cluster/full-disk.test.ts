import { afterEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledMain, MainProcess } from '../browser/main-process.js';
import { problemsOf } from '../support/history/checker.js';
import { PublishRecord } from '../support/history/record.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { Random } from '../support/random.js';
import { until } from '../support/time/until.js';
import { readAll, RoamingClient } from './clients.js';
import { derivedId } from '../support/http/derived-id.js';

const DATA = 'x'.repeat(4_000);
const TOPICS = ['a', 'b'];
/** Refusals after which the disk is taken to be as full as it gets. */
const REFUSALS = 20;
const RECOVERY_MS_MAX = 10_000;

/** A file system for the file, with limited space that a test can extend. */
interface Room {
  readonly name: string;
  /** Whether it can be had here. */
  readonly exists: boolean;
  open(folder: string): void;
  /** The process has started. */
  narrow(pid: number): void;
  widen(folder: string, pid: number): void;
}

/** Whether this user may mount file systems. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
  if (status === 0) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return status === 0;
}

const ROOMS: readonly Room[] = [
  {
    // ENOSPC, as of any disk.
    name: 'a disk that is full',
    exists: mayMount(),
    open: (folder) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
      atTestEnd(() => execFileSync('umount', ['-l', folder]));
    },
    narrow: () => undefined,
    widen: (folder) => execFileSync('mount', ['-o', 'remount,size=64m', folder]),
  },
  {
    // A quota answers EFBIG. It holds for a process, and needs no rights.
    name: 'a file that may not grow',
    exists: spawnSync('prlimit', ['--version']).status === 0,
    open: () => undefined,
    narrow: (pid) => execFileSync('prlimit', ['--pid', String(pid), '--fsize=800000:']),
    widen: (_, pid) => execFileSync('prlimit', ['--pid', String(pid), '--fsize=unlimited:']),
  },
];

let main: string;
let folder: string;

async function startNode(): Promise<{ process: MainProcess; feed: string }> {
  const node = new MainProcess(main, {
    STORE: `sqlite:${join(folder, 'log.db')}`,
    SOURCE_SECONDS: '0',
    HEARTBEAT_SECONDS: '1',
  });
  atTestEnd(() => node.stop());
  return { process: node, feed: `${await node.url()}notifications` };
}

function prepare(): void {
  main = bundledMain();
  folder = mkdtempSync(join(tmpdir(), 'nest-notifications-full-'));
  atTestEnd(() => rmSync(folder, { recursive: true }));
}

afterEach(endTest);

describe.each(ROOMS)('SQLite on $name', ({ name, exists, open, narrow, widen }) => {
  if (!exists) process.stdout.write(`no rights, or no program, to make ${name}: its test is skipped\n`);

  (exists ? test : test.skip)(
    'rejects appends, loses no acknowledged notification, and recovers when the disk has space',
    async () => {
      prepare();
      open(folder);
      const { process: node, feed } = await startNode();
      narrow(node.child.pid!);
      const record = new PublishRecord();
      const clients = [['a'], ['a', 'b']].map((topics, seed) =>
        new RoamingClient({ next: () => feed }, topics, new Random(seed)).start(),
      );
      atTestEnd(() => Promise.all(clients.map((client) => client.stop())));
      const quiet = whole(fetch(`${feed}?topic=quiet&wait=55`));
      let serial = 0;
      let last = 0;

      const publish = async (): Promise<Response> => {
        const [id, topic] = [`n${++serial}`, TOPICS[serial % TOPICS.length]!];
        const acknowledge = record.called(derivedId(topic, id), topic);
        const response = await send(feed, { id, topic, type: 'padded', data: DATA });
        if (response.status === 201) acknowledge();
        return response;
      };

      for (let refusals = 0; refusals < REFUSALS;) {
        const response = await publish();
        if (response.status !== 201) {
          refusals++;
          last = serial;
          expect(response.status).toBe(503);
          expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
          expect(await response.json()).toMatchObject({ code: 'store_unavailable' });
        }
      }
      // Existing entries can be read meanwhile.
      expect((await whole(fetch(`${feed}?topic=a&wait=0&cursor=earliest`))).status).toBe(200);
      widen(folder, node.child.pid!);
      await until(async () => (await publish()).status === 201, RECOVERY_MS_MAX);
      for (let more = 0; more < 10; more++) expect((await publish()).status).toBe(201);

      // Refused means not written: the same id is none that the log knows.
      const again = await send(feed, {
        id: `n${last}`,
        topic: TOPICS[last % TOPICS.length],
        type: 'padded',
        data: DATA,
      });
      expect(await again.json()).toMatchObject({ duplicate: false });
      expect((await send(feed, { topic: 'quiet', type: 'end', data: null })).status).toBe(201);
      expect((await quiet).status).toBe(200);

      const log = await readAll(feed, TOPICS);
      const due = (topics: readonly string[]): number => log.filter(({ topic }) => topics.includes(topic)).length;
      await until(() => clients[0]!.seen >= due(['a']) && clients[1]!.seen >= due(TOPICS), RECOVERY_MS_MAX);
      await Promise.all(clients.map((client) => client.stop()));
      const logs = new Map([['log', log.map(({ id, topic }, at) => ({ id, topic, position: at + 1 }))]]);
      const histories = clients.map((client) => Object.assign(client.record, { finished: true }));
      expect(problemsOf({ publishes: record.publishes, clients: histories, logs })).toEqual([]);
      expect(node.stdout).toMatch(/sqlite store is unavailable/);
      expect(node.stdout).toMatch(/available again/);
    },
    90_000,
  );
});

(mayMount() ? test : test.skip)(
  'SQLite on a read-only disk: a node says so and does not start; when it may be written it does, with all that was there',
  async () => {
    prepare();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder]);
    atTestEnd(() => execFileSync('umount', ['-l', folder]));
    const { process: first, feed } = await startNode();
    expect((await send(feed, { id: 'kept', topic: 'a', type: 'kept', data: null })).status).toBe(201);
    expect(await first.stop()).toBe(0);

    execFileSync('mount', ['-o', 'remount,ro', folder]);
    await expect(startNode()).rejects.toThrow(/EROFS: read-only file system/);
    execFileSync('mount', ['-o', 'remount,rw', folder]);
    const { feed: again } = await startNode();
    expect((await readAll(again, ['a'])).map(({ id }) => id)).toEqual([derivedId('a', 'kept')]);
    expect((await send(again, { topic: 'a', type: 'later', data: null })).status).toBe(201);
  },
  60_000,
);

function send(feed: string, item: object): Promise<Response> {
  return whole(
    fetch(feed, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(item),
    }),
  );
}

/** A response that has been read: one that is not keeps its connection. */
async function whole(begun: Promise<Response>): Promise<Response> {
  const response = await begun;
  return new Response(await response.text(), response);
}
