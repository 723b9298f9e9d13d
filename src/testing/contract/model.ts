import assert from 'node:assert/strict';
import { type Draft, type LogEntry, logEntry } from '../../core/notification.js';
import type { HistoryQuery, PageBounds, ReadQuery } from '../../core/store.js';
import { type Bench, type Checks, idsOf, positionsOf } from './bench.js';
import { filtered } from './history.js';
import { randomNumbers } from './random.js';

/** Runs of random calls, each with its own seed. */
const SEEDS = [1, 2, 3];
const CALLS = 60;
const TOPICS = ['a', 'b', 'c', 'a.b'];
const AHEAD_MAX = 8;

type Random = (below: number) => number;

export const modelChecks: Checks = {
  'model: random appends and reads have the same results as on a plain list': async (bench) => {
    for (const seed of SEEDS) await run(bench, seed, randomNumbers(seed));
  },
};

async function run(bench: Bench, seed: number, random: Random): Promise<void> {
  const store = await bench.openFresh();
  const log: LogEntry[] = [];
  const follower = await bench.follow(0, store);
  const drafts = Array.from({ length: AHEAD_MAX }, (_, n) => draftOf(bench, seed, n, random));
  for (let call = 0; call < CALLS; call++) {
    const said = `call ${call} of seed ${seed}`;
    if (random(2) > 0) {
      drafts.push(draftOf(bench, seed, drafts.length, random));
      // Some drafts are appended for the second time, or twice in one array.
      const chosen = Array.from({ length: 1 + random(4) }, () => pick(drafts.slice(-AHEAD_MAX), random));
      const { appended } = await store.append(chosen);
      assert.deepEqual(
        appended.map(({ id, duplicate }) => ({ id, duplicate })),
        appendTo(log, chosen, positionsOf(appended)),
        `${said}: the result of ${idsOf(chosen).join()}`,
      );
      assert.deepEqual(
        positionsOf(appended),
        chosen.map(({ id }) => positionOf(log, id)),
        `${said}: positions`,
      );
    } else {
      const query = queryOf(log, random);
      const { entries, more, head } = await store.read(query);
      const expected = query.before === undefined ? readFrom(log, query) : filtered(log, query);
      const asked = `${said}: ${JSON.stringify(query)}`;
      assert.deepEqual(
        { entries: entries.map(plain), more },
        { entries: expected.entries.map(plain), more: expected.more },
        asked,
      );
      assert.ok(head >= (log.at(-1)?.position ?? 0), `${asked}: the head ${head} is below an acknowledged position`);
    }
  }
  await follower.reaches(log.at(-1)?.position ?? 0);
  follower.assertHanded(log);
  await follower.close();
}

/**
 * Adds the new drafts to the model at the positions that the store has returned. Returns the result
 * that the store must return.
 */
function appendTo(log: LogEntry[], drafts: readonly Draft[], positions: readonly number[]) {
  return drafts.map((draft, index) => {
    const duplicate = log.some(({ id }) => id === draft.id);
    const position = positions[index] ?? 0;
    if (!duplicate) {
      assert.ok(position > (log.at(-1)?.position ?? 0), `position ${position} is not above those before it`);
      log.push(logEntry(position, draft));
    }
    return { id: draft.id, duplicate };
  });
}

function readFrom(log: readonly LogEntry[], { topics, after, limit, bytesMax }: ReadQuery) {
  const due = log.filter(({ topic, position }) => topics.includes(topic) && position > after);
  const entries: LogEntry[] = [];
  let bytes = 0;
  for (const entry of due) {
    bytes += entry.bytes;
    if (entries.length >= limit || (entries.length > 0 && bytes > bytesMax)) break;
    entries.push(entry);
  }
  return { entries, more: entries.length < due.length };
}

function queryOf(log: readonly LogEntry[], random: Random): ReadQuery | HistoryQuery {
  const topics = TOPICS.filter(() => random(2) > 0);
  const position = random(3) === 0 ? 0 : (log[random(log.length + 1)]?.position ?? 0);
  const bounds: PageBounds = {
    topics: topics.length > 0 ? topics : [pick(TOPICS, random)],
    limit: 1 + random(6),
    bytesMax: random(2) ? 2 ** 30 : 1 + random(600),
  };
  return random(2) ? { ...bounds, after: position } : { ...bounds, before: position || Number.MAX_SAFE_INTEGER };
}

function draftOf(bench: Bench, seed: number, n: number, random: Random): Draft {
  return bench.draft(pick(TOPICS, random), 'ä'.repeat(random(80)), `model-${seed}-${n}`);
}

function positionOf(log: readonly LogEntry[], id: string): number | undefined {
  return log.find((entry) => entry.id === id)?.position;
}

/** A driver's entries may have further fields. */
function plain({ position, id, topic, json, bytes }: LogEntry): LogEntry {
  return { position, id, topic, json, bytes };
}

function pick<T>(list: readonly T[], random: Random): T {
  const picked = list[random(list.length)];
  if (picked === undefined) throw new Error('there is nothing to pick from');
  return picked;
}
