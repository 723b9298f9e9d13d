import type { LogEntry } from '../../src/core/notification.js';
import { recordsTopic, personalTopic } from '../../src/inbox/nest/inbox-topics.js';
import type { InboxPage } from '../../src/inbox/nest/inbox-lists.js';
import { readerOf } from '../../src/inbox/nest/inbox.js';
import type { OperationRequest } from '../../src/inbox/nest/operation-request.js';
import { ManualClock } from '../../src/testing/index.js';
import { draft } from '../support/drafts.js';
import { idsOf } from '../support/inbox.js';
import { bruteForce } from '../support/inbox-model.js';
import { Random } from '../support/random.js';
import { Counters } from './counters.js';
import { EngineDriver } from './driver.js';
import { Engine } from './engine.js';
import { BROADCAST, InboxProcess } from './inbox-node.js';
import { ProcessClock } from './process-clock.js';

/*
 * Runs the real inbox under faults, on one clock, with random choices that a seed determines.
 *
 * - Three nodes share the engine of the other simulation, with its delays, late commits, crashes,
 *   lost wake-ups and failovers. Its clients and checker are about cursors, so they are not used.
 * - Devices of one subscriber list, and change the state through any node, several at a time.
 *   Calls fail, or their answers are lost.
 * - In quiet times, the lists and counts of all nodes must equal a model that applies each
 *   operation of the log to each item. The model knows operations that the log no longer holds.
 */

const SUBSCRIBER = 'ann';
const RECORDS = recordsTopic(SUBSCRIBER);
const PERSONAL = personalTopic(SUBSCRIBER);
const NODES = 3;
const DEVICES = 4;
/** The time from the end of a fault until everything works again. */
const CALM_MS = 2_000;
const FAULT_MS_MAX = 900;
/** The types of items. The id of an item has its type. */
const TYPES = ['comment', 'like'];
/** Snoozes end at multiples of this time. */
const SNOOZE_STEP_MS = 10_000;
/** Codes of operations that may fail. `cursor_invalid`: a failover has lost the end of the list. */
const CODES = ['store_unavailable', 'draining', 'inbox_full', 'cursor_invalid', 'before_invalid'];

export interface InboxOutcome {
  readonly operations: number;
  readonly checks: number;
  /** Records that were removed after a snapshot. */
  readonly removed: number;
  readonly failovers: number;
}

/** All parts of one run. */
export class InboxWorld {
  readonly #clock = new ManualClock({ startMs: 1_000_000 });
  readonly #random: Random;
  readonly #counters = new Counters();
  readonly #failures: string[] = [];
  readonly #engine: Engine;
  readonly #nodes: InboxProcess[] = [];
  /** The list that each device has loaded last. */
  readonly #shown: (InboxPage | undefined)[] = Array.from({ length: DEVICES }, () => undefined);
  /** All records that the log has had, without those that a failover has lost. */
  #records: LogEntry[] = [];
  #sent = 0;
  #operations = 0;
  #checks = 0;
  #failovers = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#engine = new Engine({ clock: this.#clock, random: this.#random, counters: this.#counters });
    this.#engine.listeners.add(() => this.#note());
  }

  async run(steps: number): Promise<InboxOutcome> {
    for (let at = 0; at < NODES; at++) this.#start(at);
    await this.#clock.advance(100);
    for (let step = 0; step < steps; step++) {
      await this.#step();
      await this.#clock.advance(this.#random.pick([0, 1, 5, 20]));
    }
    await this.#check();
    for (const node of this.#nodes) void node.stop();
    await this.#clock.advance(1_000);
    const removed = this.#records.length - this.#entriesOf([RECORDS]).length;
    return { operations: this.#operations, checks: this.#checks, removed, failovers: this.#failovers };
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const dice = random.below(1_000);
    if (dice < 150) this.#send();
    else if (dice < 250) this.#list(random.below(DEVICES));
    else if (dice < 880) this.#operate(random.below(DEVICES));
    else if (dice < 900) await this.#clock.advance(random.from(1_000, 120_000));
    else if (dice < 925)
      this.#fault(
        ({ store }) => (store.faults.slowMs = 200),
        ({ store }) => (store.faults.slowMs = 0),
      );
    else if (dice < 940)
      this.#fault(
        ({ store }) => (store.faults.commitMs = 200),
        ({ store }) => (store.faults.commitMs = 0),
      );
    else if (dice < 955)
      this.#fault(
        ({ store }) => (store.faults.wakes = 'lost'),
        ({ store }) => (store.faults.wakes = 'told'),
      );
    else if (dice < 970)
      this.#fault(
        ({ store }) => store.cut(),
        ({ store }) => store.restore(),
      );
    else if (dice < 975)
      this.#fault(
        () => this.#engine.crash(),
        () => this.#engine.start(),
      );
    else if (dice < 985) this.#crashNode();
    else if (dice < 990) this.#failOver();
    else await this.#check();
  }

  #start(at: number): void {
    const clock = new ProcessClock(this.#clock);
    const [random, counters, failures] = [this.#random, this.#counters, this.#failures];
    const store = new EngineDriver({ engine: this.#engine, clock, random, counters, failures });
    const node = new InboxProcess(clock, store);
    this.#nodes[at] = node;
    void node.start();
  }

  /** An item for the subscriber alone, or a broadcast. */
  #send(): void {
    const topic = this.#random.chance(0.2) ? BROADCAST : PERSONAL;
    const type = TYPES[++this.#sent % TYPES.length]!;
    this.#call(this.#random.pick(this.#nodes).store.append([draft(`${type}-${this.#sent}`, { topic, type })]));
  }

  #list(device: number): void {
    const { inbox } = this.#random.pick(this.#nodes);
    if (!inbox) return;
    this.#call(this.#page(inbox).then((page) => (this.#shown[device] = page)));
  }

  async #page(inbox: NonNullable<InboxProcess['inbox']>, status?: 'archived' | 'snoozed'): Promise<InboxPage> {
    const topics = await inbox.topicsOf(SUBSCRIBER);
    const reader = readerOf(topics, inbox.context.feed);
    const { page } = await inbox.list({ ...inbox.checkList({ limit: 500, status }), reader }, topics);
    return page;
  }

  #operate(device: number): void {
    const random = this.#random;
    const { inbox } = random.pick(this.#nodes);
    const shown = this.#shown[device];
    if (!inbox || !shown || shown.items.length === 0) return;
    const upTo = inbox.openCursor(shown.follow);
    const ids = random.sample(idsOf(shown), Math.min(shown.items.length, random.from(1, 3)));
    const request = random.pick<OperationRequest>([
      { op: 'read', ids },
      { op: 'unread', ids },
      { op: 'unread', ids },
      { op: 'archive', ids },
      { op: 'unarchive', ids },
      { op: 'seen', ids },
      { op: 'snooze', ids, untilMs: this.#snoozeEnd() },
      { op: 'unsnooze', ids },
      random.chance(0.1) && upTo ? { op: 'read', upTo } : { op: 'read', ids },
      random.chance(0.3) && upTo
        ? { op: random.pick(['archive', 'archive', 'seen', 'remove']), upTo }
        : { op: 'seen', ids },
      random.chance(0.2) && upTo ? { op: 'read', upTo, types: [random.pick(TYPES)] } : { op: 'unread', ids },
      random.chance(0.1) ? { op: 'remove', ids } : { op: 'unread', ids },
    ]);
    this.#call(inbox.apply(SUBSCRIBER, request).then(({ changed }) => (this.#operations += changed ? 1 : 0)));
  }

  #snoozeEnd(): number {
    const steps = Math.floor(this.#clock.now() / SNOOZE_STEP_MS) + this.#random.from(1, 30);
    return steps * SNOOZE_STEP_MS;
  }

  #call(call: Promise<unknown>): void {
    call.catch((error: unknown) => {
      const { code = '' } = error as { code?: string };
      if (!CODES.includes(code)) this.#failures.push(String(error));
    });
  }

  #fault(begin: (node: InboxProcess) => void, end: (node: InboxProcess) => void): void {
    const node = this.#random.pick(this.#nodes);
    begin(node);
    this.#clock.setTimeout(() => end(node), this.#random.from(1, FAULT_MS_MAX));
  }

  /** The calls of a killed node never end. */
  #crashNode(): void {
    const at = this.#random.below(NODES);
    const node = this.#nodes[at]!;
    if (node.clock.isDead) return;
    node.kill();
    this.#clock.setTimeout(() => this.#start(at), this.#random.from(1, FAULT_MS_MAX));
  }

  #failOver(): void {
    this.#failovers++;
    const what = this.#random.pick(['newest', 'newest', 'nothing'] as const);
    this.#engine.lose({ what, isHidden: this.#random.chance(0.3) });
    this.#note();
  }

  /** Adds the new records of the log, and drops those that a failover has lost. */
  #note(): void {
    const kept = this.#records.filter(({ position }) => position <= this.#engine.head);
    const upTo = kept.at(-1)?.position ?? 0;
    this.#records = [...kept, ...this.#entriesOf([RECORDS]).filter(({ position }) => position > upTo)];
  }

  #entriesOf(topics: readonly string[]): readonly LogEntry[] {
    return this.#engine.entries.filter(({ topic }) => topics.includes(topic));
  }

  /** In quiet times all nodes agree with the model. */
  async #check(): Promise<void> {
    await this.#clock.advance(FAULT_MS_MAX + CALM_MS);
    // No snooze ends while the nodes answer.
    await this.#clock.advance(SNOOZE_STEP_MS + 1_000 - (this.#clock.now() % SNOOZE_STEP_MS));
    const items = this.#entriesOf([PERSONAL, BROADCAST]);
    for (const [at, node] of this.#nodes.entries()) {
      const { inbox } = node;
      if (!inbox) throw new Error(`node ${at} does not run`);
      const pages = Promise.all([this.#page(inbox), this.#page(inbox, 'archived')]);
      const nowMs = this.#clock.now();
      await this.#clock.advance(200);
      const [page, archived] = await pages;
      this.#compare(`node ${at}`, { page, archived, expected: bruteForce(items, this.#records, nowMs) });
    }
    await this.#checkTypes();
    await this.#checkSnoozed();
    this.#checks++;
    if (this.#failures.length > 0) throw new Error(this.#failures.join('\n'));
  }

  /** "Mark all" of one type marks all items of this type, and no other. */
  async #checkTypes(): Promise<void> {
    const type = this.#random.pick(TYPES);
    const { inbox } = this.#random.pick(this.#nodes);
    if (!inbox) return;
    const isOfType = (id: string): boolean => id.startsWith(`${type}-`);
    const before = await this.#pass(this.#page(inbox));
    const upTo = inbox.openCursor(before.follow);
    if (!upTo) return;
    const done = inbox.apply(SUBSCRIBER, { op: 'read', upTo, types: [type] }).then(() => true);
    // The operation may need more exceptions than the inbox may have.
    if (!(await this.#pass(done.catch((error: unknown) => (error as { code?: string }).code !== 'inbox_full')))) return;
    const { items } = await this.#pass(this.#page(inbox));
    const expected = before.items.map((item) => {
      const { id } = item.notification;
      return isOfType(id) ? [id, true] : [id, item.read];
    });
    const found = items.map(({ notification: { id }, read }) => [id, read]);
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      this.#failures.push(`after "mark all" of ${type}, the list is ${JSON.stringify(found)}`);
    }
  }

  /** "Mark all" does not change the snoozed items. */
  async #checkSnoozed(): Promise<void> {
    const { inbox } = this.#random.pick(this.#nodes);
    if (!inbox) return;
    const { items, follow } = await this.#pass(this.#page(inbox, 'snoozed'));
    const upTo = inbox.openCursor(follow);
    if (!upTo) return;
    const op = this.#random.pick(['seen', 'read', 'archive', 'remove'] as const);
    const done = inbox.apply(SUBSCRIBER, { op, upTo }).catch((error: unknown) => {
      // An item that is left out may need an exception.
      if ((error as { code?: string }).code !== 'inbox_full') throw error;
    });
    await this.#pass(done);
    const after = await this.#pass(this.#page(inbox, 'snoozed'));
    if (JSON.stringify(after.items) !== JSON.stringify(items)) {
      this.#failures.push(`after "mark all" with ${op}, the snoozed items are ${JSON.stringify(after.items)}`);
    }
  }

  async #pass<T>(promise: Promise<T>): Promise<T> {
    await this.#clock.advance(200);
    return promise;
  }

  #compare(name: string, found: Found): void {
    const { page, archived, expected } = found;
    const shown = page.items.map(({ notification: { id }, seen, read }) => ({ id, seen, read }));
    const { unseen, unread, total } = page.counts;
    const of = (value: unknown): string => JSON.stringify(value);
    if (of(shown) !== of(expected.shown)) this.#failures.push(`${name} shows ${of(shown)}, not ${of(expected.shown)}`);
    if (of(idsOf(archived)) !== of(expected.archived)) this.#failures.push(`${name} has another archive`);
    if (of({ unseen, unread, total }) !== of(expected.counts)) this.#failures.push(`${name} counts ${of(page.counts)}`);
  }
}

interface Found {
  readonly page: InboxPage;
  readonly archived: InboxPage;
  readonly expected: ReturnType<typeof bruteForce>;
}
