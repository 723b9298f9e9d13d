import { describe, expect, test } from '@jest/globals';
import { type LogEntry, logEntry } from '../../src/core/notification.js';
import type { Epoch, PastEpoch } from '../../src/core/store.js';
import { nextCompaction, REMOVE_AFTER_MS } from '../../src/inbox/compaction.js';
import { EMPTY_INBOX, type FoldedInbox, loadInbox, withRecords } from '../../src/inbox/inbox-fold.js';
import { inboxDraft, type InboxRecord } from '../../src/inbox/inbox-record.js';
import { type InboxOperation, itemState } from '../../src/inbox/inbox-state.js';
import { pastEpochs } from '../../src/stores/shared/epoch.js';
import { inDepth } from '../support/depth.js';
import { modelOf } from '../support/inbox-model.js';
import { Random } from '../support/random.js';

const SEEDS = inDepth(100, 20_000);
const STEPS = 150;
const NODES = 3;
const TOPIC = '$inbox.0123';
const ITEMS = [1, 2, 3, 4, 5, 6];
/** Records get positions above those of the items. */
const FIRST_POSITION = 100;
/** The entries that a failover loses are newer than this. */
const LOST_MS_MAX = REMOVE_AFTER_MS / 2;

function epochOf(count: number, before: readonly PastEpoch[] = []): Epoch {
  return { id: `epoch ${count}`, secret: '', before };
}

/** A removal that has begun. Its node may crash before it ends. */
interface Removal {
  readonly upTo: number;
  readonly epochId: string;
}

/** A load that reads page by page, while other nodes append and remove. */
interface Load {
  readonly done: Promise<FoldedInbox>;
  /** Answers the next page. False if the load has ended. */
  page(): Promise<boolean>;
  /** The operations that were acknowledged before the load began. */
  readonly operations: readonly InboxOperation[];
  readonly startMs: number;
  readonly epochId: string;
}

/** A log of the records of one inbox, nodes with cached states, and removals in progress. */
class World {
  readonly #random: Random;
  #entries: LogEntry[] = [];
  #timesMs = new Map<number, number>();
  /** All operations of the log. Only a failover removes some. */
  #operations: { readonly position: number; readonly operation: InboxOperation }[] = [];
  #next = FIRST_POSITION;
  #nowMs = 1_000_000;
  #epoch: Epoch = epochOf(0);
  readonly #caches: (FoldedInbox & { readonly epochId: string })[] = [];
  #removals: Removal[] = [];
  #loads: Load[] = [];
  #failovers = 0;
  removed = 0;
  checked = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async step(): Promise<void> {
    const random = this.#random;
    const dice = random.below(100);
    if (dice < 45) this.#append({ operation: this.#newOperation(), ids: [] });
    else if (dice < 60) await this.#snapshot(random.below(NODES));
    else if (dice < 70) this.#removePart();
    else if (dice < 75) this.#startLoad();
    else if (dice < 90) await this.#continueLoad();
    else if (dice < 97) this.#nowMs += random.below(REMOVE_AFTER_MS);
    else if (dice < 99) this.#removals.pop();
    else this.#failOver();
  }

  /** Each load has the state of all operations that were acknowledged before it. */
  async finish(): Promise<void> {
    while (this.#loads.length > 0) await this.#continueLoad();
    this.#startLoad();
    while (this.#loads.length > 0) await this.#continueLoad();
  }

  #newOperation(): InboxOperation {
    const random = this.#random;
    const positions = random.sample(ITEMS, random.from(1, 2));
    const upTo = random.pick(ITEMS);
    return random.pick<InboxOperation>([
      { op: 'read', positions },
      { op: 'unread', positions },
      { op: 'archive', positions },
      { op: 'unarchive', positions },
      { op: 'read', upTo },
      { op: 'archive', upTo, except: positions },
      { op: 'snooze', positions, untilMs: 1_000 + random.below(3) },
      { op: 'unsnooze', positions },
    ]);
  }

  #append(record: InboxRecord): void {
    const position = (this.#next += this.#random.from(1, 3));
    this.#entries.push(logEntry(position, inboxDraft(TOPIC, record, new Date(this.#nowMs))));
    this.#timesMs.set(position, this.#nowMs);
    if ('operation' in record) this.#operations.push({ position, operation: record.operation });
  }

  /** A node writes a snapshot. Its state may lack records that were appended meanwhile. */
  async #snapshot(node: number): Promise<void> {
    const cached = this.#caches[node];
    // A failover may come between the read of the state and the append of the snapshot.
    const isOld = cached && this.#random.chance(0.3);
    const inbox = isOld ? cached : { ...(await this.#current(cached)), epochId: this.#epoch.id };
    this.#caches[node] = inbox;
    // A state that is older than a read takes is read again before it is used.
    if (isOld && this.#nowMs - (this.#timesMs.get(inbox.upTo) ?? 0) > LOST_MS_MAX) return;
    const compaction = nextCompaction(inbox.snapshot, this.#nowMs);
    const { state, upTo, epochId } = inbox;
    this.#append({ snapshot: state, upTo, epochId, ...compaction });
    if (compaction.removed !== undefined && epochId === this.#epoch.id)
      this.#removals.push({ upTo: compaction.removed, epochId });
  }

  /** The state of a node after one read of the newer records, as `InboxStates` reads it. */
  async #current(cached: (FoldedInbox & { readonly epochId: string }) | undefined): Promise<FoldedInbox> {
    const { upTo = 0, epochId } = cached ?? {};
    const newer = this.#entries.filter(({ position }) => position > upTo);
    const continued = cached && epochId === this.#epoch.id ? withRecords(cached, newer) : undefined;
    return (
      continued ?? loadInbox(async () => ({ entries: this.#entries.toReversed(), more: false, epoch: this.#epoch }))
    );
  }

  /** Stores remove in small parts, and a failover may come between them. */
  #removePart(): void {
    const removal = this.#removals.at(-1);
    if (removal?.epochId !== this.#epoch.id) {
      this.#removals.pop();
      return;
    }
    const due = this.#entries.filter(({ position }) => position <= removal.upTo);
    const part = this.#random.sample(due, Math.min(due.length, this.#random.from(1, 8)));
    this.#entries = this.#entries.filter((entry) => !part.includes(entry));
    this.removed += part.length;
    if (part.length === due.length) this.#removals.pop();
  }

  #startLoad(): void {
    const limit = this.#random.from(1, 5);
    let pull: (() => void) | undefined;
    let isOver = false;
    const done = loadInbox(async (before) => {
      await new Promise<void>((resolve) => (pull = resolve));
      const older = this.#entries.filter(({ position }) => position < before).toReversed();
      return { entries: older.slice(0, limit), more: older.length > limit, epoch: this.#epoch };
    });
    void done.then(() => (isOver = true));
    const page = async (): Promise<boolean> => {
      pull?.();
      // The load needs a few turns of the microtask queue until it asks for the next page.
      await new Promise(setImmediate);
      return !isOver;
    };
    const operations = this.#operations.map(({ operation }) => operation);
    this.#loads.push({ done, page, operations, startMs: this.#nowMs, epochId: this.#epoch.id });
  }

  async #continueLoad(): Promise<void> {
    const load = this.#loads[0];
    if (!load || (await load.page())) return;
    this.#loads.shift();
    const { state, upTo } = await load.done;
    // A read does not take that long, and its node reads again if the epoch has changed.
    if (this.#nowMs - load.startMs > LOST_MS_MAX || load.epochId !== this.#epoch.id) return;
    const included = this.#operations.filter(({ position }) => position <= upTo).map(({ operation }) => operation);
    expect(included.length).toBeGreaterThanOrEqual(load.operations.length);
    for (const item of ITEMS) expect(itemState(state, item)).toEqual(modelOf(item, included));
    this.checked++;
  }

  /** A replica without the newest entries continues the log. */
  #failOver(): void {
    const fromMs = this.#nowMs - this.#random.below(LOST_MS_MAX);
    const isKept = (position: number): boolean => (this.#timesMs.get(position) ?? 0) <= fromMs;
    this.#entries = this.#entries.filter(({ position }) => isKept(position));
    this.#operations = this.#operations.filter(({ position }) => isKept(position));
    // The new epoch uses the positions of the lost entries again.
    this.#next = this.#entries.at(-1)?.position ?? this.#next;
    this.#epoch = epochOf(++this.#failovers, pastEpochs(this.#epoch, this.#next, true));
  }
}

describe('old records of an inbox', () => {
  test('are removed without a loss of state, also under races, crashes and failovers', async () => {
    let [removed, checked] = [0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World(seed);
      try {
        for (let step = 0; step < STEPS; step++) await world.step();
        await world.finish();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      removed += world.removed;
      checked += world.checked;
    }
    expect(removed).toBeGreaterThan(SEEDS);
    expect(checked).toBeGreaterThan(SEEDS);
  }, 600_000);

  test('are removed at the first snapshot after the mark is old enough', () => {
    const mark = { upTo: 5, timeMs: 1_000 };
    const last = { upTo: 9, timeMs: 2_000 };
    expect(nextCompaction(undefined, 0)).toEqual({});
    expect(nextCompaction(last, 2_000 + REMOVE_AFTER_MS)).toEqual({ mark: last });
    expect(nextCompaction({ ...last, mark }, 999 + REMOVE_AFTER_MS)).toEqual({ mark });
    expect(nextCompaction({ ...last, mark }, 1_000 + REMOVE_AFTER_MS)).toEqual({ removed: 5, mark: last });
  });

  test('are stated by each later snapshot', () => {
    const mark = { upTo: 5, timeMs: 1_000 };
    const last = { upTo: 9, timeMs: 2_000, removed: 4 };
    expect(nextCompaction(last, 3_000)).toMatchObject({ removed: 4 });
    expect(nextCompaction({ ...last, mark }, 3_000)).toMatchObject({ removed: 4 });
  });

  test('of a new inbox are kept', () => {
    expect(EMPTY_INBOX.snapshot).toBeUndefined();
  });
});
