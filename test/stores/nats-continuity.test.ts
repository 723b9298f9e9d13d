import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/core/clock.js';
import type { Epoch } from '../../src/core/store.js';
import {
  decodeEpoch,
  decodeProposal,
  encodeEpoch,
  encodeNewLog,
  encodeProposal,
  isNewLog,
} from '../../src/stores/nats/epoch-text.js';
import { Continuity } from '../../src/stores/nats/continuity.js';
import { Engine } from '../../src/stores/nats/engine.js';
import { decodePart, endPosition } from '../../src/stores/nats/layout.js';
import { natsSettings } from '../../src/stores/nats/options.js';
import { logStatus } from '../../src/stores/nats/stream.js';
import { Trail } from '../../src/stores/nats/trail.js';
import { newEpoch, pastEpochs } from '../../src/stores/shared/epoch.js';
import { describeOnServer, STREAM } from '../support/stores/nats.js';
import { newDraft } from '../support/drafts.js';

/** The server's limit for the description of a stream. */
const DESCRIPTION_BYTES_MAX = 4_096;

describe('the trail of a node', () => {
  const trailOf = (count: number): Trail => {
    const trail = new Trail();
    for (let sequence = 1; sequence <= count; sequence++) trail.add({ sequence, commit: `c${sequence}` });
    return trail;
  };

  test.each([0, 1, 99, 100])('finds the last commit that is kept: %d of 100', async (kept) => {
    const found = await trailOf(100).lastKept(async ({ sequence }) => sequence <= kept);
    expect(found?.sequence).toBe(kept === 0 ? undefined : kept);
  });

  test('finds a commit at or closely below the last one kept of a million, with few reads', async () => {
    const trail = trailOf(1_000_000);
    for (const kept of [999_999, 990_000, 500_000]) {
      let reads = 0;
      const found = await trail.lastKept(async ({ sequence }) => {
        reads++;
        return sequence <= kept;
      });
      expect(found!.sequence).toBeLessThanOrEqual(kept);
      expect(1_000_000 - found!.sequence).toBeLessThan((1_000_000 - kept) * 2 + 4_096);
      expect(reads).toBeLessThan(15);
    }
  });

  test('ignores a commit that it already contains', () => {
    const trail = trailOf(3);
    trail.add({ sequence: 2, commit: 'other' });
    expect(trail.last).toEqual({ sequence: 3, commit: 'c3' });
    expect(trail.lastUpTo(2)).toEqual({ sequence: 2, commit: 'c2' });
  });
});

describe('the text of an epoch', () => {
  const withPast = (count: number): Epoch => {
    let epoch = newEpoch();
    for (let n = 0; n < count; n++) {
      epoch = { ...newEpoch(), before: pastEpochs(epoch, Number.MAX_SAFE_INTEGER - n, n % 2 === 0) };
    }
    return epoch;
  };

  test('is decoded to the same epoch', () => {
    for (const epoch of [withPast(0), withPast(1), withPast(16)]) {
      expect(decodeEpoch(encodeEpoch(epoch))).toEqual(epoch);
      const proposal = { from: 'before', epoch };
      expect(decodeProposal(new TextEncoder().encode(encodeProposal(proposal)))).toEqual(proposal);
    }
  });

  test('of a new log is decoded to the same epoch, until a node uses the log', () => {
    const epoch = newEpoch();
    expect(decodeEpoch(encodeNewLog(epoch))).toEqual(epoch);
    expect([encodeNewLog(epoch), encodeEpoch(epoch)].map(isNewLog)).toEqual([true, false]);
  });

  test('fits into the description of a stream with any number of past epochs', () => {
    expect(encodeEpoch(withPast(100)).length).toBeLessThan(DESCRIPTION_BYTES_MAX);
  });

  test.each(['', 'Orders', 'Log of nest-notifications, do not edit: id'])('is not an epoch: "%s"', (text) => {
    expect(decodeEpoch(text)).toBeUndefined();
    expect(decodeProposal(new TextEncoder().encode(`from\n${text}`))).toBeUndefined();
  });
});

describeOnServer('a node that returns to the stream', (on) => {
  /** A log of three commits. This node has seen the first two of them. */
  async function returning() {
    const store = await on.nodes.open({ syncAlways: true });
    for (let n = 0; n < 3; n++) await store.append([newDraft()]);
    const settings = natsSettings({ connection: { servers: on.server.servers }, stream: STREAM, syncAlways: true });
    const engine = await Engine.connect(settings, systemClock);
    const status = (await logStatus(engine))!;
    const continuity = new Continuity(engine, settings);
    const part = async (seq: number) => decodePart((await engine.get({ seq }))!);
    for (const seq of [1, 2]) continuity.saw(seq, await part(seq));
    return {
      status,
      continuity,
      mine: status.epoch,
      other: { sequence: 3, commit: 'other' },
      close: () => engine.close(),
    };
  }

  test('keeps the epoch if the stream holds all that it has seen', async () => {
    const { status, continuity, mine, close } = await returning();
    expect(await continuity.successor(mine, 2, status)).toBeUndefined();
    await close();
  });

  test('continues the epoch up to the last commit that it knows, if other nodes have written after a loss', async () => {
    const { status, continuity, mine, other, close } = await returning();
    continuity.sawCommit(other);
    const next = await continuity.successor(mine, 3, status);
    expect(next!.before).toEqual([{ ...mine, upTo: endPosition(2), lost: true }]);
    await close();
  });

  test('lowers the position that another node states, if it knows that less is kept', async () => {
    const { status, continuity, mine, other, close } = await returning();
    continuity.sawCommit(other);
    const stated = { ...newEpoch(), before: pastEpochs(mine, endPosition(3), true) };
    const next = await continuity.successor(mine, 3, { ...status, epoch: stated });
    expect(next!.before).toMatchObject([{ id: stated.id }, { id: mine.id, upTo: endPosition(2), lost: true }]);
    const correct = { ...newEpoch(), before: pastEpochs(mine, endPosition(2), true) };
    expect(await continuity.successor(mine, 3, { ...status, epoch: correct })).toBeUndefined();
    await close();
  });

  test('does not accept an older epoch of its own log', async () => {
    const { status, continuity, mine, close } = await returning();
    const newer = { ...newEpoch(), before: pastEpochs(mine, endPosition(1), true) };
    const next = await continuity.successor(newer, 2, status);
    expect(next!.before).toMatchObject([
      { id: newer.id, upTo: endPosition(2) },
      { id: mine.id, upTo: endPosition(1) },
    ]);
    await close();
  });

  test('accepts the epoch of a log that it does not know', async () => {
    const { status, continuity, close } = await returning();
    expect(await continuity.successor(newEpoch(), 2, status)).toBeUndefined();
    await close();
  });
});
