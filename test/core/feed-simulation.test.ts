import { expect, test } from '@jest/globals';
import { tap } from 'rxjs';
import type { LogEntry } from '../../src/core/notification.js';
import type { LogPage, LogPosition } from '../../src/core/page.js';
import { draft } from '../support/drafts.js';
import { FeedBench, idsOf, WAIT_MS, Watched } from '../support/feed.js';
import { randomNumbers } from '../../src/testing/contract/random.js';

/**
 * Clients poll, follow, leave and come back with the cursors they were given, while notifications are published, reads and
 * tails are slow, the store fails, forgets or is wiped. Every page is held against a plain list of what was published:
 * no client may miss anything, or see it twice or out of order, without being told of a gap.
 */

const TOPICS = ['a', 'b', 'c', 'd', 'e'];
const STEPS = 400;
/** More with SIMULATION_SEEDS, as scripts/mutants.mjs has it. */
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 80);

type Random = (below: number) => number;

class World {
  readonly #clients: Client[];
  readonly failures: unknown[] = [];
  readonly #held = new Set<() => void>();
  #drafted = 0;

  constructor(
    readonly bench: FeedBench,
    readonly random: Random,
  ) {
    this.#clients = Array.from({ length: 8 }, () => new Client(this));
  }

  get clients(): readonly Client[] {
    return this.#clients;
  }

  async publish(unnoticed: boolean): Promise<void> {
    const drafts = Array.from({ length: 1 + this.random(4) }, () =>
      draft(`n${++this.#drafted}`, { topic: TOPICS[this.random(TOPICS.length)]!, data: 'x'.repeat(this.random(300)) }),
    );
    const { store } = this.bench;
    await (unnoticed ? store.appendUnnoticed(drafts) : store.append(drafts));
  }

  async step(): Promise<void> {
    const { bench, random } = this;
    const client = this.#clients[random(this.#clients.length)]!;
    const dice = random(100);
    if (dice < 30) await this.publish(dice === 0);
    else if (dice < 55) client.start();
    else if (dice < 60) client.leave();
    else if (dice < 70) client.take();
    else if (dice < 75) this.#held.add(random(2) ? bench.store.holdReads() : bench.store.holdTail());
    else if (dice < 85) this.release();
    else if (dice < 87) bench.store.fail(random(2) ? new Error('down') : undefined);
    else if (dice === 87) await bench.store.wipe();
    else if (dice < 92) bench.clock.spend(random(WAIT_MS));
    else if (dice < 94) await this.checkPromptness();
    else if (dice < 95) bench.store.repeatBatch();
    else if (dice < 98) await bench.clock.turn();
    else await bench.clock.advance(random(2 * WAIT_MS));
  }

  /** Once everything has arrived that is on its way, nobody waits for what its node knows of, and no time has to pass for that. */
  async checkPromptness(): Promise<void> {
    this.bench.store.fail();
    this.release();
    await this.bench.clock.settle();
    for (const client of this.#clients) client.checkPromptness();
  }

  release(): void {
    for (const release of this.#held) release();
    this.#held.clear();
  }
}

class Client {
  readonly #world: World;
  readonly #topics: readonly string[];
  readonly #taken: (() => void)[] = [];
  #place: LogPosition | 'earliest';
  #watched: Watched | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#topics = TOPICS.filter(() => world.random(2) > 0).concat('quiet');
    this.#place = world.random(2) ? world.bench.head : 'earliest';
  }

  get place(): LogPosition | 'earliest' {
    return this.#place;
  }

  /** One more turn of a client that is not at it already. */
  start(): void {
    const { bench, random } = this.#world;
    if (this.#watched && !this.#watched.completed && !this.#watched.error) return;
    const request = { topics: this.#topics, after: this.#place, limit: 1 + random(5), waitMs: 1 + random(WAIT_MS) };
    const { feed } = bench;
    const pages = random(2) ? feed.poll(request) : feed.follow(request, () => this.#taking());
    this.#watched = new Watched(pages.pipe(tap(this.#onPage)));
  }

  leave(): void {
    this.#watched?.leave();
    this.#watched = undefined;
  }

  checkPromptness(): void {
    const { bench, failures } = this.#world;
    const { epoch, head } = bench.feed.window;
    const place = this.#place;
    const isHeld = this.#watched && !this.#watched.completed && !this.#watched.error && this.#taken.length === 0;
    if (!isHeld || place === 'earliest') return;
    if (place.epochId !== epoch.id) failures.push(new Error('a client has not been told of a new log'));
    const due = bench.store.appended(epoch.id).filter(({ topic, position }) => {
      return this.#topics.includes(topic) && position > place.position && position <= head;
    });
    if (due.length > 0) failures.push(new Error(`${due[0]?.id} is late for a client at ${place.position}`));
  }

  take(): void {
    for (const taken of this.#taken.splice(0)) taken();
  }

  #taking(): Promise<void> | undefined {
    return this.#world.random(3) ? undefined : new Promise((resolve) => this.#taken.push(resolve));
  }

  /** A subscriber's error ends that subscriber only, so it is kept for the test. */
  readonly #onPage = (page: LogPage): void => {
    try {
      this.#check(page);
    } catch (error) {
      this.#world.failures.push(error);
    }
  };

  #check(page: LogPage): void {
    const place = this.#place;
    const due = this.#world.bench.store.appended(page.epoch.id).filter(({ topic, position }) => {
      return this.#topics.includes(topic) && position <= page.position;
    });
    if (place === 'earliest' || page.gap) this.#checkStart(page, due);
    else {
      expect(place.epochId).toBe(page.epoch.id);
      expect(page.position).toBeGreaterThanOrEqual(place.position);
      expect(idsOf(page)).toEqual(due.filter(({ position }) => position > place.position).map(({ id }) => id));
    }
    this.#place = { epochId: page.epoch.id, position: page.position };
  }

  /** A page from the oldest notification kept: nothing is missing from its first one on, and a gap has its reason. */
  #checkStart({ gap, entries, epoch }: LogPage, due: readonly LogEntry[]): void {
    expect(entries.map(({ id }) => id)).toEqual(due.slice(due.length - entries.length).map(({ id }) => id));
    const place = this.#place;
    const left = due.slice(0, due.length - entries.length).at(-1)?.position ?? 0;
    expect(left).toBeLessThanOrEqual(this.#world.bench.store.trimmedOf(epoch.id));
    // Who began at the earliest has no place of its own yet, but may have waited in a log that then went.
    if (place === 'earliest' || !gap) return;
    expect(gap.reason).toBe(place.epochId === epoch.id ? 'expired' : 'reset');
    if (gap.reason === 'expired') expect(place.position).toBeLessThan(this.#world.bench.store.trimmedOf(epoch.id));
  }
}

let hasFailed = false;

test.each(Array.from({ length: SEEDS }, (_, at) => at + 1))('nothing is lost silently (seed %i)', async (seed) => {
  // One seed is enough to look at.
  if (hasFailed) return;
  hasFailed = true;
  await simulate(seed);
  hasFailed = false;
});

async function simulate(seed: number): Promise<void> {
  const limits = { windowCount: 15, windowBytes: 4000, pageBytesMax: 1000 };
  const bench = await FeedBench.open(limits, { retainCount: 40 });
  const world = new World(bench, randomNumbers(seed));
  for (let step = 0; step < STEPS; step++) {
    await world.step();
    for (const failure of world.failures) throw failure;
  }

  bench.store.fail();
  world.release();
  for (let rounds = 0; rounds < 50; rounds++) {
    for (const client of world.clients) {
      client.start();
      client.take();
    }
    await bench.clock.advance(WAIT_MS);
  }
  expect(world.failures).toEqual([]);
  for (const client of world.clients) {
    expect(client.place).toEqual(bench.head);
    client.leave();
  }
  await bench.expectNothingLeft();
}
