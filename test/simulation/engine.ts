import type { Clock } from '../../src/core/clock.js';
import { NotificationsError } from '../../src/core/errors.js';
import { type Draft, type LogEntry, logEntry } from '../../src/core/notification.js';
import { isRecord } from '../../src/core/records.js';
import type { AppendResult, Epoch, ReadQuery, ReadResult, TailBatch } from '../../src/core/store.js';
import { pastEpochs } from '../../src/stores/shared/epoch.js';
import type { LogChunk } from '../../src/stores/shared/tail-hub.js';
import type { Logged } from '../support/history/history.js';
import type { Random } from '../support/http/random.js';
import type { Counters } from './counters.js';

/** What the engine keeps: so little that clients fall behind it. */
const RETAIN_COUNT = 24;
/** Entries that a tail takes in at once. */
const CHUNK_ENTRIES = 5;

/** Where logs live, and what can happen to them there. */
export interface Backend {
  /** Every incarnation of the log, and what histories call it. */
  readonly logs: readonly { readonly name: string; readonly epoch: Epoch }[];
  /** All that was ever in them. */
  readonly truth: ReadonlyMap<string, readonly Logged[]>;
  /** The newest position of the newest log. */
  readonly head: number;
  /** Removes the oldest entries, so many of them. */
  trim(count: number): void;
  /** Goes down, and loses what is under way. */
  crash(): void;
  /** Comes back, if it was down. */
  start(): void;
  /** Begins a new epoch after it has lost everything, the newest entries, or nothing in a failover. */
  lose(what: 'all' | 'newest' | 'nothing'): void;
}

/** A transaction whose positions are taken. Its entries become visible when all before it are, or will never be. */
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
 * The model of an engine that nodes share: one log with transactions that commit late, out of order or not at all, retention, crashes
 * that lose acknowledgements, and losses that begin a new epoch. What it answers, it answers at once: the way there and back is the
 * driver's. It keeps the truth that histories are held against.
 */
export class Engine implements Backend {
  readonly truth = new Map<string, Logged[]>();
  readonly logs: { readonly name: string; readonly epoch: Epoch }[] = [];
  /** Told when something has become visible, or when it may have. */
  readonly listeners = new Set<() => void>();
  readonly #options: EngineOptions;
  readonly #ids = new Map<string, number>();
  #entries: LogEntry[] = [];
  #commits: Commit[] = [];
  #head = 0;
  #trimmed = 0;
  #next = 1;
  #isUp = true;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#newEpoch('start');
  }

  get epoch(): Epoch {
    return this.logs.at(-1)!.epoch;
  }

  get head(): number {
    return this.#head;
  }

  /** Up to where retention has removed everything. */
  get trimmed(): number {
    return this.#trimmed;
  }

  /** @throws NotificationsError while it is down */
  assertUp(): void {
    if (!this.#isUp) throw unavailable('the engine is down');
  }

  /** Resolves when the drafts are visible, with what a tail that has come so far is to be told. */
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

  read({ topics, after, limit, bytesMax }: ReadQuery): ReadResult {
    this.assertUp();
    const due = limit === 0 ? [] : this.#entries.filter((one) => one.position > after && topics.includes(one.topic));
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

  trim(count: number): void {
    for (const { position } of this.#entries.splice(0, count)) {
      this.#trimmed = position;
      this.#mark(position);
    }
  }

  /** Of what is being committed some becomes durable; nobody is told of what. */
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

  lose(what: 'all' | 'newest' | 'nothing'): void {
    const { random } = this.#options;
    for (const commit of this.#commits) {
      commit.state = 'aborted';
      commit.failed(unavailable('the engine was wiped'));
    }
    this.#advance();
    const lost = what === 'newest' ? random.from(1, 3) : 0;
    const kept = what === 'all' ? 0 : Math.max(0, this.#entries.length - lost);
    for (const { id } of this.#entries.splice(kept)) this.#ids.delete(id);
    if (what === 'all') {
      this.#ids.clear();
      this.#trimmed = 0;
      this.#head = 0;
    } else if (what === 'newest') this.#head = this.#entries.at(-1)?.position ?? this.#trimmed;
    // Positions may come again or not; either way they mean something else.
    if (what === 'newest' || random.chance(0.7)) this.#next = this.#head + 1;
    this.#newEpoch(what);
    this.#tell();
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
        visible({ epoch: this.epoch, after, entries, head: this.#head });
      }
    }
    if (!moved) return;
    this.trim(this.#excess());
    this.#tell();
  }

  /** How many of the oldest entries are too many: records of the library do not count. */
  #excess(): number {
    let notifications = 0;
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      if (!isRecord(this.#entries[at]!)) notifications++;
      if (notifications > RETAIN_COUNT) return at + 1;
    }
    return 0;
  }

  #mark(position: number): void {
    const truth = this.truth.get(this.logs.at(-1)!.name)!;
    const at = truth.findIndex((entry) => entry.position === position);
    truth[at] = { ...truth[at]!, trimmedMs: this.#options.clock.monotonic() };
  }

  /** After a failover the engine may know which positions of the old log the new one keeps. */
  #newEpoch(cause: 'start' | 'all' | 'newest' | 'nothing'): void {
    const { random, counters } = this.#options;
    const name = `log${this.logs.length}:`;
    const old = this.logs.at(-1);
    const kept = (old ? this.truth.get(old.name)! : []).filter(({ position }) => position <= this.#head);
    const isKnown = old && (cause === 'nothing' || (cause === 'newest' && random.chance(0.7)));
    if (isKnown) counters[cause === 'nothing' ? 'losslessFailovers' : 'lossyFailovers']++;
    const before = isKnown ? pastEpochs(old.epoch, this.#head, cause === 'newest') : undefined;
    // Clients at or below the fork do not receive the entries beyond it: the engine has lost them.
    if (isKnown) for (const { position } of this.truth.get(old.name)!) if (position > this.#head) this.#mark(position);
    this.logs.push({ name, epoch: { id: name, secret: `secret of ${name}`, before } });
    this.truth.set(
      name,
      kept.map((entry) => ({ ...entry })),
    );
  }

  #tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

export function unavailable(message: string): NotificationsError {
  return new NotificationsError('store_unavailable', message);
}
