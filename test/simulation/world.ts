import type { Draft } from '../../src/core/notification.js';
import { ManualClock } from '../../src/testing/index.js';
import { Cursors } from '../../src/wire/cursor.js';
import { draft } from '../support/drafts.js';
import { problemsOf } from '../support/history/checker.js';
import type { History, Place, Publish } from '../support/history/history.js';
import { Random } from '../support/random.js';
import { Client } from './client.js';
import { Counters } from './counters.js';
import { EngineDriver, type NodeStore } from './driver.js';
import { type Backend, Engine } from './engine.js';
import { MemoryBackend } from './memory.js';
import { Process } from './node.js';
import { ProcessClock } from './process-clock.js';
import { checkRetracted, recordOf } from './retractions.js';

export const TOPICS = ['a', 'b', 'c', 'd'];
/** The number of nodes on a shared engine. The memory store has one node. */
const NODES = 3;
/** One seed in this many uses the memory store. */
const MEMORY_SEEDS = 4;
const CLIENTS = 6;
/** Without faults every notification arrives within this: two delays, a read, an access check. */
const LATE_MS = 600;
/**
 * The longest life of a notification. Many notifications expire before a disconnected client
 * returns.
 */
const TTL_MS_MAX = 1_500;
/** Few keys, so that notifications often replace each other. */
const KEYS = ['k', 'l'];
/** The time from the end of a fault until everything works again. */
const CALM_MS = 900;
const ROUNDS_MAX = 60;
/** The difference of two stamps. All stamps of a run together are far less than 1 ms. */
const STAMP_MS = 1e-7;

/** All parts of one run. */
export class World {
  readonly clock = new ManualClock({ startMs: 0 });
  readonly counters = new Counters();
  readonly failures: string[] = [];
  readonly publishes = new Map<string, Publish & { readonly epochId?: string }>();
  readonly clients: Client[];
  readonly engine: Backend;
  readonly traced: string[] = [];
  /** Whether streams are cut between two blocks of one write. */
  cutsBlocks = false;
  readonly #isTraced: boolean;
  readonly #openStore: (clock: ProcessClock) => NodeStore;
  readonly #cursors = new Map<string, Cursors>();
  readonly #published: (readonly Draft[])[] = [];
  readonly #options = new Map<string, Pick<Publish, 'key' | 'expiresMs'>>();
  #nodes: Process[] = [];
  #faults = 0;
  #lastFaultMs = 0;
  #drafted = 0;
  #stamps = 0;

  constructor(seed: number, isTraced: boolean) {
    this.#isTraced = isTraced;
    this.random = new Random(seed);
    const { clock, random, counters } = this;
    if (seed % MEMORY_SEEDS === 0) {
      const memory = new MemoryBackend();
      this.engine = memory;
      this.#openStore = (own) => memory.open(own);
    } else {
      const engine = new Engine({ clock, random, counters });
      this.engine = engine;
      this.#openStore = (own) => new EngineDriver({ engine, clock: own, random, counters, failures: this.failures });
    }
    this.clients = Array.from({ length: CLIENTS }, (_, at) => {
      const interests = random.sample(TOPICS, random.from(1, TOPICS.length));
      return new Client(this, `client ${at}`, interests, {
        start: random.chance(0.5) ? 'earliest' : 'latest',
        hasTickets: at === CLIENTS - 1,
        hasPattern: at === CLIENTS - 2,
      });
    });
  }

  readonly random: Random;

  static async open(seed: number, isTraced: boolean): Promise<World> {
    const world = new World(seed, isTraced);
    const nodes = seed % MEMORY_SEEDS === 0 ? 1 : NODES;
    for (let at = 0; at < nodes; at++) void world.startNode(at);
    await world.clock.advance(50);
    return world;
  }

  /** The nodes whose process runs, with an open feed or without. */
  get nodes(): readonly Process[] {
    return this.#nodes;
  }

  /** The time since which everything works; `Infinity` during a fault. */
  get quietSinceMs(): number {
    return this.#faults > 0 ? Infinity : this.#lastFaultMs;
  }

  /** The current time. Later calls at the same time return a slightly higher value. */
  stamp(): number {
    return this.clock.monotonic() + ++this.#stamps * STAMP_MS;
  }

  trace(what: () => string): void {
    if (this.#isTraced) this.traced.push(`${String(this.clock.monotonic()).padStart(6)}  ${what()}`);
  }

  startNode(at: number): Promise<void> {
    const clock = new ProcessClock(this.clock);
    const node = new Process(clock, this.#openStore(clock), (page, feed) => checkRetracted(this, feed, page));
    this.#nodes[at] = node;
    return node.start().catch((error: unknown) => {
      this.failures.push(`node ${at} does not start: ${String(error)}`);
    });
  }

  /** The log and position of a cursor. */
  placeOf(text: string): Place | undefined {
    for (const { name, epoch } of this.engine.logs) {
      let cursors = this.#cursors.get(name);
      if (!cursors) this.#cursors.set(name, (cursors = new Cursors()));
      const place = cursors.open(text, epoch);
      if (place?.epochId === epoch.id) return { log: name, position: place.position };
    }
    return undefined;
  }

  /** The name of an epoch's log in histories. */
  readonly logOf = (epochId: string): string | undefined =>
    this.engine.logs.find(({ epoch }) => epoch.id === epochId)?.name;

  /** Whether a log is newer than the log of an epoch. */
  isNewer(log: string, epochId: string): boolean {
    const { logs } = this.engine;
    return logs.findIndex(({ name }) => name === log) > logs.findIndex(({ epoch }) => epoch.id === epochId);
  }

  /** Begins a fault, and ends it after this time. */
  fault(durationMs: number, begin: () => void, end: () => void): void {
    this.#faults++;
    begin();
    const over = (): void => {
      this.#faults--;
      this.#lastFaultMs = this.clock.monotonic();
      end();
    };
    this.clock.setTimeout(over, durationMs);
  }

  /** A fault without a duration has happened. The nodes need some time to recover. */
  hiccup(): void {
    this.#lastFaultMs = this.clock.monotonic();
  }

  /** Some drafts expire, and some have a key. */
  newDraft(topic = this.random.pick(TOPICS)): Draft {
    const { random } = this;
    const id = String(++this.#drafted);
    const expiresAtMs = random.chance(0.25) ? this.clock.now() + random.from(1, TTL_MS_MAX) : undefined;
    const key = random.chance(0.4) ? random.pick(KEYS) : undefined;
    this.#options.set(id, { key, expiresMs: expiresAtMs });
    return draft(id, { topic, data: 'x'.repeat(random.from(0, 120)), key, expiresAtMs });
  }

  remember(drafts: readonly Draft[]): void {
    this.#published.push(drafts);
  }

  /**
   * Drafts to publish again: drafts without an acknowledgement, or drafts that the current log
   * contains.
   */
  repeatable(random: Random): readonly Draft[] | undefined {
    const drafts = this.#published.filter((one) =>
      one.every(({ id }) => {
        const publish = this.publishes.get(id);
        return (
          publish && (publish.acknowledgedMs === undefined || publish.epochId === this.engine.logs.at(-1)?.epoch.id)
        );
      }),
    );
    return drafts.length > 0 ? random.pick(drafts) : undefined;
  }

  /**
   * Publishes drafts through a node, for the first time or again. A rejected publish may have been
   * appended.
   */
  publish(node: Process, drafts: readonly Draft[]): void {
    const calledMs = this.stamp();
    for (const { id, topic } of drafts) {
      if (!this.publishes.has(id)) this.publishes.set(id, { id, topic, calledMs, ...this.#options.get(id) });
    }
    node.store.append(drafts).then(
      ({ epoch }) => {
        for (const { id } of drafts) {
          const publish = this.publishes.get(id)!;
          const acknowledgedMs = publish.acknowledgedMs ?? this.stamp();
          this.publishes.set(id, { ...publish, acknowledgedMs, epochId: epoch.id });
        }
      },
      (error: unknown) => {
        if ((error as { code?: string }).code !== 'store_unavailable') this.failures.push(String(error));
      },
    );
  }

  /** Retracts a notification through a node. A rejected retraction may have been appended. */
  retract({ feed }: Process, { id, topic }: Publish): void {
    const record = recordOf({ id, topic });
    const published = this.publishes.get(id)!;
    // Another log may append it again, long after it was acknowledged.
    if (this.publishes.get(record)?.acknowledgedMs !== undefined) return;
    this.publishes.set(id, { ...published, retractedBy: record });
    if (!this.publishes.has(record)) this.publishes.set(record, { id: record, topic, calledMs: this.stamp() });
    feed!.retract({ id, topic }).then(
      () => {
        this.counters.retractions++;
        const publish = this.publishes.get(record)!;
        this.publishes.set(record, { ...publish, acknowledgedMs: publish.acknowledgedMs ?? this.stamp() });
        const isBehind = this.nodes.some((node) => node.feed && node.feed.window.head < this.engine.head);
        if (isBehind) this.counters.retractedBehindTheTail++;
      },
      (error: unknown) => {
        if ((error as { code?: string }).code !== 'store_unavailable') this.failures.push(String(error));
      },
    );
  }

  /** All faults end, and late answers arrive: no client waits for entries that exist. */
  async calm(): Promise<void> {
    for (let waitedMs = 0; this.quietSinceMs + CALM_MS > this.clock.monotonic(); waitedMs += 250) {
      if (waitedMs > 60_000) throw new Error('the faults never end');
      await this.clock.advance(250);
    }
    for (const client of this.clients) client.look();
  }

  /** Lets every client read to the end, stops all nodes, and returns the problems of the run. */
  async finish(): Promise<string[]> {
    await this.calm();
    for (const client of this.clients) {
      client.leave();
      client.take();
    }
    await this.clock.advance(100);
    await this.#finishClients();
    const left = this.#nodes.map((node) => node.stop());
    await this.clock.advance(500);
    for (const [at, found] of (await Promise.all(left)).entries()) {
      if (found.length > 0) this.failures.push(`node ${at} leaves ${found.join()} behind`);
    }
    await this.clock.advance(100);
    if (this.clock.pendingTimers > 0) this.failures.push(`${this.clock.pendingTimers} timers are left`);
    const { publishes, clients, engine } = this;
    const history = { publishes: [...publishes.values()], clients, logs: engine.truth, forks: this.#forks() };
    const problems = problemsOf(history, { lateMs: LATE_MS }).map(
      ({ kind, client, what }) => `${client}, ${kind}: ${what}`,
    );
    return [...this.failures, ...problems];
  }

  #forks(): NonNullable<History['forks']> {
    return new Map(
      this.engine.logs.map(({ name, epoch }) => [
        name,
        (epoch.before ?? []).map(({ id, upTo, lost = false }) => ({ log: this.logOf(id)!, position: upTo, lost })),
      ]),
    );
  }

  /** Lets clients poll until they have read the whole log. */
  async #finishClients(): Promise<void> {
    let reading = this.clients.filter(({ allowed }) => allowed.size > 0);
    for (let round = 0; reading.length > 0; round++) {
      if (round === ROUNDS_MAX) {
        this.failures.push(`${reading.map(({ name }) => name).join()} never come to the end`);
        return;
      }
      const seen = reading.map(({ events }) => events.length);
      for (const [at, client] of reading.entries()) {
        client.ask(this.#nodes[(round + at) % this.#nodes.length]!, {
          kind: 'poll',
          limit: 5,
          waitMs: 20,
          lifetimeMs: 100,
        });
      }
      await this.clock.advance(150);
      for (const client of reading) client.leave();
      await this.clock.advance(20);
      reading = reading.filter((client, at) => {
        client.finished = client.events.length > seen[at]! && this.#isAtEnd(client);
        return !client.finished;
      });
    }
  }

  #isAtEnd({ events }: Client): boolean {
    const last = events.at(-1);
    const place = last && 'place' in last ? last.place : undefined;
    return place !== undefined && place.log === this.engine.logs.at(-1)?.name && place.position >= this.engine.head;
  }
}
