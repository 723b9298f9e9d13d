import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { APPEND_QUEUE_LIMITS } from '../../src/stores/shared/append-queue.js';
import { openSqliteStore, temporaryFolder } from '../support/stores/sqlite.js';
import { draft } from '../support/drafts.js';
import { follow, readAllIds } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';
import { inDepth } from '../support/depth.js';

const here = dirname(fileURLToPath(import.meta.url));
const CYCLES = inDepth(3, 6);
/** Takes the write lock of a file, and says so. */
const HOLD_LOCK = `
  const database = new (require('libsql'))(process.argv[1]);
  database.exec('BEGIN IMMEDIATE');
  console.log('held');
  setInterval(() => undefined, 1000);`;

/** A child process that publishes, and what it said. */
interface Publisher {
  readonly child: ChildProcess;
  /** Acknowledged ids and their positions. */
  readonly acknowledged: Map<string, number>;
  readonly failures: () => number;
}

const children = new Set<ChildProcess>();

function startPublisher(path: string, name: string, shell: readonly string[] = []): Publisher {
  const node = [
    process.execPath,
    '--import',
    pathToFileURL(join(here, '../../scripts/typescript-hooks.mjs')).href,
    join(here, 'sqlite-child.ts'),
    path,
    name,
  ];
  const [command = '', ...args] = [...shell, ...node];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  const acknowledged = new Map<string, number>();
  let [rest, failures] = ['', 0];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [id = '', position = ''] = line.split(' ');
      if (id === 'failed') failures++;
      else if (id !== 'ready') acknowledged.set(id, Number(position));
    }
  });
  return { child, acknowledged, failures: () => failures };
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  children.delete(child);
}

/** Second halves of arrays that do not follow their first. */
function halvesAlone(ids: readonly string[]): string[] {
  return ids.filter((id, index) => id.endsWith('b') && ids[index - 1] !== id.slice(0, -1));
}

describe('sqliteStore when processes are killed', () => {
  const { folder, cleanUp } = temporaryFolder();
  afterEach(() => Promise.all([...children].map(kill)));
  afterAll(cleanUp);

  test(`${CYCLES} kills under load lose no acknowledged notification, and tails of other processes repeat none`, async () => {
    const path = join(folder, 'kill.db');
    const store = await openSqliteStore({ path });
    const batches = await follow(store, 0);
    const acknowledged = new Map<string, number>();
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const publishers = [startPublisher(path, `a${cycle}`), startPublisher(path, `b${cycle}`)];
      await until(() => publishers.every((publisher) => publisher.acknowledged.size > 200));
      for (const publisher of publishers) {
        await kill(publisher.child);
        for (const [id, position] of publisher.acknowledged) acknowledged.set(id, position);
      }
    }
    const { head } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
    await until(() => batches.at(-1)?.head === head);
    const entries = batches.flatMap((batch) => batch.entries);
    expect(entries.map(({ position }) => position)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    const ids = entries.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(await readAllIds(store)).toEqual(ids);
    const lost = [...acknowledged].filter(([id, position]) => ids[position - 1] !== id);
    expect(lost).toEqual([]);
    expect(halvesAlone(ids)).toEqual([]);
  }, 60_000);

  test('while a stopped process holds the lock, calls fail in time and memory is bounded; then the store recovers', async () => {
    const path = join(folder, 'stopped.db');
    const store = await openSqliteStore({ path, busyMs: 300 });
    await store.append([draft('before')]);
    const holder = spawn(process.execPath, ['-e', HOLD_LOCK, path], {
      cwd: here,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(holder);
    await once(holder.stdout, 'data');
    holder.kill('SIGSTOP');
    const startMs = performance.now();
    const many = Array.from({ length: APPEND_QUEUE_LIMITS.pendingDraftsMax + 100 }, (_, index) => draft(`n${index}`));
    const results = await Promise.allSettled(many.map((one) => store.append([one])));
    // Rejecting 20,000 calls takes 1 s on a quiet machine, and 5 s on a busy one.
    expect(performance.now() - startMs).toBeLessThan(15_000);
    const codes = results.map((result) =>
      result.status === 'rejected' ? (result.reason as { code: string }).code : '',
    );
    expect(new Set(codes)).toEqual(new Set(['store_unavailable']));
    expect(await readAllIds(store)).toEqual(['before']);
    await kill(holder);
    await store.append([draft('after')]);
    expect(await readAllIds(store)).toEqual(['before', 'after']);
  });

  test('a full disk causes store_unavailable, and no partial write', async () => {
    const path = join(folder, 'full.db');
    // The size limit of files, in blocks of 1 KiB (bash) or 512 bytes (dash).
    const limited = ['/bin/sh', '-c', 'ulimit -f 400; exec "$0" "$@"'];
    const publisher = startPublisher(path, 'f', limited);
    await until(() => publisher.failures() > 20);
    await kill(publisher.child);
    expect(publisher.acknowledged.size).toBeGreaterThan(0);
    const store = await openSqliteStore({ path });
    const ids = await readAllIds(store);
    const lost = [...publisher.acknowledged].filter(([id, position]) => ids[position - 1] !== id);
    expect(lost).toEqual([]);
    expect(halvesAlone(ids)).toEqual([]);
  });
});
