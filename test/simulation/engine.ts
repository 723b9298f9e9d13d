import type { Clock } from '../../src/core/clock.js';
import { NotificationsError } from '../../src/core/errors.js';
import { type Draft, type LogEntry, logEntry } from '../../src/core/notification.js';
import { erasedTopicsOf } from '../../src/core/erasure.js';
import { removalEnd } from '../../src/core/removal-end.js';
import { includesTopic } from '../../src/core/patterns.js';
import { isRecord } from '../../src/core/records.js';
import type { Removed, RemoveQuery } from '../../src/core/removal.js';
import { revocationOf } from '../../src/core/revocation.js';
import type { AppendResult, Epoch, HistoryQuery, ReadQuery, ReadResult, TailBatch } from '../../src/core/store.js';
import { pastEpochs } from '../../src/stores/shared/epoch.js';
import type { LogChunk } from '../../src/stores/shared/tail-hub.js';
import type { Logged } from '../support/history/history.js';
import type { Random } from '../support/random.js';
import type { Counters } from './counters.js';

/** Entries that retention keeps: so few that clients fall behind. */
const RETAIN_COUNT = 24;
/** Entries of one read of a tail. */
const CHUNK_ENTRIES = 5;

/** A failover, or a loss. Behind a pooler no connection fails, and no node is woken. */
export interface Loss {
  readonly what: 'all' | 'newest' | 'nothing';
  readonly isHidden?: boolean;
}

/** A restored snapshot. Without evidence of it, the engine cannot know that it lost entries. */
export interface Restore {
  readonly isDetected: boolean;
}

/** An engine with its logs and its faults. */
export interface Backend {
  /** Every epoch of the log, and its name in histories. */
  readonly logs: readonly { readonly name: string; readonly epoch: Epoch }[];
  /** All entries that any of these logs has had. */
  readonly truth: ReadonlyMap<string, readonly Logged[]>;
  /** The newest position of the newest log. */
  readonly head: number;
  /** Removes the `count` oldest entries. */
  trim(count: number): void;
  /** Goes down, and loses the calls in flight. */
  crash(): void;
  /** Starts again, if it was down. */
  start(): void;
  /** Begins a new epoch after a failover or a loss. */
  lose(loss: Loss): void;
  /** Keeps a copy of the log as it is now. */
  takeSnapshot(): void;
  /** Replaces the log by the copy, and begins a new epoch. False if there is no copy. */
  restoreSnapshot(restore: Restore): boolean;
}

interface Snapshot {
  readonly log: string;
  readonly entries: readonly LogEntry[];
  readonly ids: ReadonlyMap<string, number>;
  readonly head: number;
  readonly trimmed: number;
}

/** The reason for a new epoch, and the log that it continues. */
interface Succession {
  readonly what: Loss['what'] | 'restored';
  /** The name of the continued log; undefined if there is none. */
  readonly log: string | undefined;
  readonly isLossKnown: boolean;
}

/** A transaction. Its entries become visible once all earlier transactions have settled. */
interface Commit {
  readonly entries: readonly LogEntry[];
  state: 'open' | 'committed' | 'aborted';
  readonly visible: (batch: TailBatch) => void;
  readonly failed: (error: Error) => void;
  readonly settled: Promise<TailBatch>;
}

export interface EngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: Counters;
}

/**
 * The model of an engine that nodes share: one log with retention, and transactions that commit
 * late, out of order or not at all. It crashes and loses acknowledgements. A failover, a loss or a
 * restored snapshot begins a new epoch.
 *
 * Like real drivers, every call first compares the identity of the running engine with the identity
 * in the log. So a failover that no connection notices begins its epoch at the next call.
 *
 * Answers are immediate: the driver adds the delay of the network. The engine records all entries,
 * and the checker compares histories with them.
 */
export class Engine implements Backend {
  readonly truth = new Map<string, Logged[]>();
  readonly logs: { readonly name: string; readonly epoch: Epoch }[] = [];
  /** Called when new entries are visible, or may be visible. */
  readonly listeners = new Set<() => void>();
  readonly #options: EngineOptions;
  readonly #ids = new Map<string, number>();
  #entries: LogEntry[] = [];
  #commits: Commit[] = [];
  #head = 0;
  #trimmed = 0;
  #next = 1;
  #isUp = true;
  #snapshot: Snapshot | undefined;
  /** A new epoch that begins at the next call. */
  #due: Succession | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#newEpoch({ what: 'all', log: undefined, isLossKnown: false });
  }

  get epoch(): Epoch {
    return this.logs.at(-1)!.epoch;
  }

  get head(): number {
    return this.#head;
  }

  /** The log as it is now. This is not a call, so it does not begin an epoch that is due. */
  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  /** Retention has removed all entries up to this position. */
  get trimmed(): number {
    return this.#trimmed;
  }

  /**
   * The first step of every call: begins the epoch that is due.
   * @throws NotificationsError while it is down
   */
  assertUp(): void {
    if (!this.#isUp) throw unavailable('the engine is down');
    this.#agree();
  }

  /** Resolves when the drafts are visible, with the batch for a tail that is up to date. */
  async append(
    drafts: readonly Draft[],
    commitMs: number,
  ): Promise<{ result: AppendResult; batch: TailBatch | undefined }> {
    const { counters } = this.#options;
    this.assertUp();
    for (let other = this.#underWay(drafts); other; other = this.#underWay(drafts)) await other.settled;
    const fresh = drafts.filter(({ id }, at) => !this.#ids.has(id) && drafts.findIndex((one) => one.id === id) === at);
    const { epoch } = this;
    let batch: TailBatch | undefined;
    if (fresh.length > 0) batch = await this.#commit(fresh, commitMs);
    if (fresh.length < drafts.length) counters.duplicates++;
    const appended = drafts.map((draft) => {
      const position = batch?.entries.find(({ id }) => id === draft.id)?.position ?? this.#ids.get(draft.id) ?? 0;
      return { id: draft.id, position, duplicate: !fresh.includes(draft) };
    });
    return { result: { epoch, appended }, batch };
  }

  read({ topics, after = 0, before, limit, bytesMax }: ReadQuery | HistoryQuery): ReadResult {
    this.assertUp();
    const isDue = ({ position, topic }: LogEntry): boolean =>
      limit > 0 &&
      position > after &&
      position < (before ?? Infinity) &&
      topics.some((name) => includesTopic(name, topic));
    const due = this.#entries.filter(isDue);
    if (before !== undefined) due.reverse();
    let bytes = 0;
    const cut = due.findIndex(
      (entry, at) => at > 0 && (at >= limit || (bytes += entry.bytes) + due[0]!.bytes > bytesMax),
    );
    const entries = cut < 0 ? due : due.slice(0, cut);
    return { epoch: this.epoch, entries, more: cut >= 0, head: this.#head, trimmed: this.#trimmed };
  }

  readAfter(after: number): LogChunk {
    this.assertUp();
    const left = this.#entries.filter(({ position }) => position > after);
    const entries = left.slice(0, CHUNK_ENTRIES);
    const upTo = left.length > entries.length ? entries.at(-1)!.position : this.#head;
    return { epoch: this.epoch, entries, upTo, head: this.#head, trimmed: this.#trimmed };
  }

  remove({ topic, ...query }: RemoveQuery): Removed {
    this.assertUp();
    const end = Math.min(removalEnd(this.epoch, query), this.#head);
    const isRemoved = (entry: LogEntry): boolean => entry.topic === topic && entry.position <= end;
    const removed = this.#entries.filter(isRemoved);
    this.#entries = this.#entries.filter((entry) => !isRemoved(entry));
    const removedMs = this.#options.clock.monotonic();
    for (const { position } of removed) this.#note(position, (entry) => ({ ...entry, removedMs }));
    return { count: removed.length, upTo: end };
  }

  trim(count: number): void {
    for (const { position } of this.#entries.splice(0, count)) {
      this.#trimmed = position;
      this.#mark(position);
    }
  }

  /** Some open commits become durable; no caller learns which. */
  crash(): void {
    const { random, counters } = this.#options;
    this.#isUp = false;
    for (const commit of this.#commits) {
      if (commit.state === 'open') commit.state = random.chance(0.5) ? 'committed' : 'aborted';
      counters[commit.state === 'aborted' ? 'abortedCommits' : 'lostAcknowledgements']++;
      commit.failed(unavailable('the engine has crashed'));
    }
    this.#advance();
  }

  start(): void {
    this.#isUp = true;
    this.#tell();
  }

  lose({ what, isHidden = false }: Loss): void {
    const { random, counters } = this.#options;
    this.#abortCommits();
    const lost = what === 'newest' ? random.from(1, 3) : 0;
    const kept = what === 'all' ? 0 : Math.max(0, this.#entries.length - lost);
    for (const { id } of this.#entries.splice(kept)) this.#ids.delete(id);
    if (what === 'all') {
      this.#ids.clear();
      this.#trimmed = 0;
      this.#head = 0;
    } else if (what === 'newest') this.#head = this.#entries.at(-1)?.position ?? this.#trimmed;
    // The new log may use the same positions again, for other entries.
    if (what === 'newest' || random.chance(0.7)) this.#next = this.#head + 1;
    const isLossKnown = what === 'nothing' || (what === 'newest' && random.chance(0.7));
    this.#due = { what, log: isLossKnown ? this.logs.at(-1)!.name : undefined, isLossKnown: what === 'newest' };
    if (isHidden) {
      counters.hiddenFailovers++;
      return;
    }
    this.#agree();
    this.#tell();
  }

  takeSnapshot(): void {
    this.#agree();
    const log = this.logs.at(-1)!.name;
    const ids = new Map([...this.#ids].filter(([, position]) => position <= this.#head));
    this.#snapshot = { log, entries: [...this.#entries], ids, head: this.#head, trimmed: this.#trimmed };
  }

  restoreSnapshot({ isDetected }: Restore): boolean {
    const { counters } = this.#options;
    const snapshot = this.#snapshot;
    if (!snapshot) return false;
    this.#abortCommits();
    if (snapshot.log !== this.logs.at(-1)!.name) counters.restoresOfOlderLogs++;
    // No node can detect that a revocation is lost which its tail has not delivered.
    const losesRevocation = this.#entries.some(
      (entry) => !snapshot.ids.has(entry.id) && revocationOf(entry) !== undefined,
    );
    const isLossKnown = isDetected || losesRevocation;
    counters[isLossKnown ? 'detectedRestores' : 'undetectedRestores']++;
    this.#entries = [...snapshot.entries];
    this.#ids.clear();
    for (const [id, position] of snapshot.ids) this.#ids.set(id, position);
    this.#head = snapshot.head;
    this.#trimmed = snapshot.trimmed;
    this.#next = this.#head + 1;
    this.#due = { what: 'restored', log: snapshot.log, isLossKnown };
    this.#agree();
    this.#tell();
    return true;
  }

  #agree(): void {
    const due = this.#due;
    this.#due = undefined;
    if (due) this.#newEpoch(due);
  }

  #abortCommits(): void {
    this.#agree();
    for (const commit of this.#commits) {
      commit.state = 'aborted';
      commit.failed(unavailable('the engine was replaced'));
    }
    this.#advance();
  }

  #underWay(drafts: readonly Draft[]): Commit | undefined {
    return this.#commits.find(({ entries }) => entries.some(({ id }) => drafts.some((draft) => draft.id === id)));
  }

  #commit(drafts: readonly Draft[], commitMs: number): Promise<TailBatch> {
    const { clock, random, counters } = this.#options;
    if (random.chance(0.1)) this.#next += random.from(1, 3);
    const entries = drafts.map((draft) => logEntry(this.#next++, draft));
    for (const { id, position } of entries) this.#ids.set(id, position);
    let [visible, failed] = [(_: TailBatch): void => undefined, (_: Error): void => undefined];
    const settled = new Promise<TailBatch>((resolve, reject) => ([visible, failed] = [resolve, reject]));
    const commit: Commit = { entries, state: 'open', visible, failed, settled };
    this.#commits.push(commit);
    const end = (): void => {
      if (commit.state !== 'open') return;
      commit.state = 'committed';
      if (this.#commits[0] !== commit) counters.lateCommits++;
      this.#advance();
    };
    if (commitMs > 0) clock.setTimeout(end, commitMs);
    else end();
    return settled;
  }

  #advance(): void {
    let moved = false;
    while (this.#commits[0] && this.#commits[0].state !== 'open') {
      const { entries, state, visible } = this.#commits.shift()!;
      if (state === 'aborted') for (const { id } of entries) this.#ids.delete(id);
      else {
        const after = this.#head;
        moved = true;
        this.#entries.push(...entries);
        this.#head = entries.at(-1)!.position;
        const truth = this.truth.get(this.logs.at(-1)!.name)!;
        for (const { id, topic, position } of entries) truth.push({ id, topic, position });
        // A client may still be in an earlier log that this one continues.
        for (const log of this.truth.values())
          for (const entry of entries) markErased(log, entry, this.#options.clock.monotonic());
        visible({ epoch: this.epoch, after, entries, head: this.#head });
      }
    }
    if (!moved) return;
    this.trim(this.#excess());
    this.#tell();
  }

  /** The number of entries that retention removes. Records of the library do not count. */
  #excess(): number {
    let notifications = 0;
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      if (!isRecord(this.#entries[at]!)) notifications++;
      if (notifications > RETAIN_COUNT) return at + 1;
    }
    return 0;
  }

  #mark(position: number, log?: string): void {
    const nowMs = this.#options.clock.monotonic();
    this.#note(position, (entry) => ({ ...entry, trimmedMs: entry.trimmedMs ?? nowMs }), log);
  }

  #note(position: number, change: (entry: Logged) => Logged, log = this.logs.at(-1)!.name): void {
    const truth = this.truth.get(log)!;
    const at = truth.findIndex((entry) => entry.position === position);
    truth[at] = change(truth[at]!);
  }

  #newEpoch({ what, log, isLossKnown }: Succession): void {
    const { counters } = this.#options;
    const name = `log${this.logs.length}:`;
    const old = this.logs.find((one) => one.name === log);
    if (old && what !== 'restored') counters[what === 'nothing' ? 'losslessFailovers' : 'lossyFailovers']++;
    const before = old && pastEpochs(old.epoch, this.#head, isLossKnown);
    // Clients at or below the fork do not receive the entries beyond it: the engine has lost them.
    if (old) for (const { position } of this.truth.get(old.name)!) if (position > this.#head) this.#mark(position, log);
    const last = this.logs.at(-1);
    const source = what === 'restored' ? log : last?.name;
    this.logs.push({ name, epoch: { id: name, secret: `secret of ${name}`, before } });
    this.truth.set(name, this.#kept(source));
  }

  /** The entries of a log up to the head. A snapshot has entries that were removed later. */
  #kept(log: string | undefined): Logged[] {
    const held = new Set(this.#entries.map(({ position }) => position));
    const kept = (log === undefined ? [] : this.truth.get(log)!).filter(({ position }) => position <= this.#head);
    return kept.map((entry) => ({
      ...entry,
      ...(entry.position > this.#trimmed && { trimmedMs: undefined }),
      ...(held.has(entry.position) && { removedMs: undefined }),
    }));
  }

  #tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** Notes the notifications that a record erases: from now on, a node may leave them out. */
export function markErased(truth: Logged[], record: LogEntry, nowMs: number): void {
  const topics = erasedTopicsOf(record);
  for (const [at, entry] of truth.entries()) {
    const isErased = topics.includes(entry.topic) && entry.position < record.position;
    if (isErased) truth[at] = { ...entry, erasedMs: entry.erasedMs ?? nowMs };
  }
}

export function unavailable(message: string): NotificationsError {
  return new NotificationsError('store_unavailable', message);
}
